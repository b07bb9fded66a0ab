"""From bytes to pixels: opening pictures of all formats, upright, with what their files say."""
