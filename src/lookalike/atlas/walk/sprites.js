/** Thumbnails at one size, in sheets that are decoded when they are first needed; the longest unused are let go. */
export class Sprites {
  constructor(find, { side, columns, sheets }, most, arrived) {
    this.find = find; // of the number of a sheet: a promise of its address
    this.side = side;
    this.columns = columns;
    this.perSheet = columns * columns;
    this.count = sheets;
    this.most = most;
    this.arrived = arrived;
    this.sheets = new Map(); // number -> bitmap, those used last at the end
    this.loading = new Map();
  }

  /** The sheet that holds a picture, or null while it is being decoded. */
  sheetOf(i) {
    const number = Math.floor(i / this.perSheet);
    const sheet = this.sheets.get(number);
    if (!sheet) {
      this.load(number);
      return null;
    }
    return sheet;
  }

  /** Marks sheets as used, so that others are let go first. */
  touch(numbers) {
    for (const number of numbers) {
      const sheet = this.sheets.get(number);
      if (sheet && this.sheets.delete(number)) this.sheets.set(number, sheet);
    }
  }

  async load(number) {
    if (!this.loading.has(number)) this.loading.set(number, this.decode(number));
    return this.loading.get(number);
  }

  async decode(number) {
    const image = new Image();
    image.src = await this.find(number);
    await image.decode();
    this.sheets.set(number, await createImageBitmap(image));
    this.loading.delete(number);
    while (this.sheets.size > this.most) {
      const [oldest, bitmap] = this.sheets.entries().next().value;
      this.sheets.delete(oldest);
      bitmap.close();
    }
    this.arrived();
  }

  async loadAll() {
    await Promise.all(Array.from({ length: this.count }, (_, number) => this.load(number)));
  }

  /** Draws one picture; false while its sheet is not there. */
  draw(context, i, x, y, width, height) {
    const sheet = this.sheetOf(i);
    if (!sheet) return false;
    const place = i % this.perSheet;
    const column = place % this.columns;
    const row = (place - column) / this.columns;
    context.drawImage(sheet, column * this.side, row * this.side, this.side, this.side, x, y, width, height);
    return true;
  }
}
