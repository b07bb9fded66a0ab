"use strict";
(() => {
  const known = JSON.parse(document.getElementById("plan").textContent);
  const bar = document.querySelector(".bar");
  if (!bar) return;
  const sections = [...document.querySelectorAll("section")];
  const figures = (section) => [...section.querySelectorAll("figure")];
  const box = (figure) => figure.querySelector("input");
  const kept = (section) => section.querySelector("figure.keep");
  const moved = (section) => figures(section).filter((figure) => figure !== kept(section) && box(figure).checked);

  function size(bytes) {
    const units = ["bytes", "kB", "MB", "GB"];
    let unit = 0;
    while (bytes >= 1000 && unit < 3) { bytes /= 1000; unit += 1; }
    return (unit && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)) + " " + units[unit];
  }

  function count() {
    const copies = sections.flatMap(moved);
    const bytes = copies.reduce((sum, figure) => sum + Number(figure.dataset.bytes), 0);
    const files = copies.length === 1 ? "1 file" : copies.length + " files";
    document.getElementById("chosen").textContent = files + " to move away, " + size(bytes);
  }

  function keep(section, figure) {
    const before = kept(section);
    if (before === figure) return;
    before.classList.remove("keep");
    before.querySelector(".tag").textContent = "not kept";
    box(before).checked = !("shots" in section.dataset);
    figure.classList.add("keep");
    figure.querySelector(".tag").textContent = "keep";
    box(figure).checked = false;
    count();
  }

  function plan() {
    const groups = sections.filter((section) => moved(section).length).map((section) => {
      const group = known.groups[section.dataset.group];
      const files = (chosen) => chosen.map((figure) => group.files[figure.dataset.id]).join(", ");
      const head = group.head.slice(0, -1);
      return head + ', "keep": ' + files([kept(section)]) + ', "move": [' + files(moved(section)) + "]}";
    });
    return known.head.slice(0, -1) + ', "groups": [' + groups.join(",\n") + "]}\n";
  }

  document.getElementById("export").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([plan()], { type: "application/json" }));
    link.download = "plan.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  const dialog = document.getElementById("flicker");
  const [under, over] = dialog.querySelectorAll("img");
  let timer = 0;
  let shown = null;

  function way(variant) {
    const turn = (/turned (\d+)/.exec(variant) || [0, 0])[1];
    return (variant.startsWith("mirrored") ? "scaleX(-1) " : "") + "rotate(-" + turn + "deg)";
  }

  function flicker(figure) {
    const section = figure.closest("section");
    const other = figure === kept(section) ? figures(section).find((one) => one !== figure) : figure;
    const images = [kept(section), other].map((one) => one.querySelector("img"));
    if (!images[0] || !images[1]) return;
    shown = other;
    under.src = images[0].src;
    over.src = images[1].src;
    const [back, forth] = [kept(section), other].map((one) => way(one.dataset.variant));
    under.style.transform = back;
    over.style.transform = forth;
    dialog.querySelector("b").textContent = other.querySelector("small").textContent;
    if (!dialog.open) dialog.showModal();
    play();
  }

  function play() {
    clearInterval(timer);
    timer = setInterval(() => over.classList.toggle("off"), 450);
  }

  function step(by) {
    const section = shown.closest("section");
    const others = figures(section).filter((one) => one !== kept(section) && one.querySelector("img"));
    flicker(others[(others.indexOf(shown) + by + others.length) % others.length]);
  }

  dialog.addEventListener("close", () => clearInterval(timer));
  dialog.addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      event.preventDefault();
      if (timer) { clearInterval(timer); timer = 0; over.classList.toggle("off"); } else { play(); }
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      step(event.key === "ArrowRight" ? 1 : -1);
    }
  });

  for (const section of sections) {
    for (const figure of figures(section)) {
      figure.querySelector(".choice").hidden = false;
      figure.querySelector("button").addEventListener("click", () => keep(section, figure));
      box(figure).addEventListener("change", count);
      const image = figure.querySelector("img");
      if (image) {
        image.tabIndex = 0;
        image.addEventListener("click", () => flicker(figure));
        image.addEventListener("keydown", (event) => { if (event.key === "Enter") flicker(figure); });
      }
    }
  }
  bar.hidden = false;
  count();
})();
