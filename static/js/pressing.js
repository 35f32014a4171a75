// Presses a control as a key or the palette does: fields get the cursor, folds open at their field.
import { FIELDS } from "./typing.js";

export const canBePressed = (one) => one.checkVisibility() && !one.disabled;

export function press(control) {
  if (control.matches(FIELDS)) return control.focus();
  control.click();
  const fold = control.matches("summary") && control.parentElement;
  if (fold?.open && !fold.contains(document.activeElement?.closest(".panel"))) fold.querySelector(FIELDS)?.focus();
}

// What a control says, without its keys.
export function labelOf(control) {
  if (control.dataset.called ?? control.ariaLabel) return control.dataset.called ?? control.ariaLabel;
  const words = control.cloneNode(true);
  for (const aside of words.querySelectorAll("kbd, .count, [aria-hidden=true]")) aside.remove();
  return words.textContent.replace(/\s+/g, " ").trim() || control.title || control.placeholder;
}
