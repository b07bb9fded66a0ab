import { has, number, percent, t } from "./i18n.js";

export const PROVEN = 0.01;
const STRONG = 0.5; // likelihood from which words are matched strongly, as in the text of the command line

/** Whether chance alone would not bring this; of words, whether it is likely to be what they mean. */
export const isProven = (match) =>
  match.expected_false === null ? match.label === "matches text" && match.score >= STRONG : match.expected_false <= PROVEN;

/** "crop of", in the visitor's language. */
export const kindOf = (match) => (has(`kind.${match.label}`) ? t(`kind.${match.label}`) : match.label);

/** "Chance alone would bring fewer than one in a billion." */
export function chance(expected) {
  if (expected === null || expected === undefined) return "";
  if (expected < 1e-9) return t("chance.none");
  if (expected <= PROVEN) return t("chance.rare", { n: round(1 / expected) });
  if (expected < 0.95) return t("chance.some", { share: percent(expected) });
  return t("chance.many", { n: Math.round(expected) });
}

/** What one method says, as a short sentence. */
export function reason(evidence) {
  const { method, distance, detail, variant } = evidence;
  const how = variant && variant !== "as is" ? t("why.variant", { variant: variantName(variant) }) : "";
  const near = 1 - Math.min(1, Math.max(0, distance));
  const told = {
    file: () => t("why.file"),
    phash: () => t("why.phash", { n: distance }),
    color: () => t("why.color", { share: percent(near) }),
    embedding: () => t("why.embedding", { share: percent(near) }),
    text: () => t("why.text", { share: percent(detail.relevance ?? near) }),
    words: () => t("why.words", { words: (detail.words ?? []).join(", ") }),
    local: () =>
      detail.covered > 0 && detail.covered < 0.97
        ? t("why.local.part", { n: detail.inliers, share: percent(detail.covered) })
        : t("why.local", { n: detail.inliers ?? 0 }),
    sum: () => t("why.sum"),
  }[method];
  return (told ? told() : `${method} ${number(distance, 3)}`) + how;
}

function variantName(variant) {
  return variant
    .split(/(?:, | and )/)
    .map((part) => {
      const turned = /^turned (\d+)$/.exec(part);
      if (turned) return t("variant.turned", { degrees: turned[1] });
      return has(`variant.${part}`) ? t(`variant.${part}`) : part;
    })
    .join(", ");
}

/** The strongest reason first, then how likely chance is. */
export function why(match) {
  const best = match.evidence[0];
  return [best ? reason(best) : "", chance(match.expected_false)].filter(Boolean).join(". ");
}

/** Two digits that say how much. */
function round(value) {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(value)));
  return Math.round(value / power) * power;
}
