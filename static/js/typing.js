// What counts as a field that somebody types in.
export const FIELDS = "input:not([type=radio], [type=checkbox], [type=submit], [type=hidden]), textarea, select";

export const typedInto = (target) => target?.closest?.(`${FIELDS}, [contenteditable]`);

export const isTyping = () => Boolean(typedInto(document.activeElement));
