// The choices of a list that is typed into: which of them fit, best first, and how they look.
export function found(choices, words) {
  const wanted = words.toLowerCase().replace(/\s+/g, "");
  const fits = choices.map((choice) => [fit(choice.label.toLowerCase(), wanted), choice]);
  return fits.filter(([cost]) => cost < Infinity).sort(([a], [b]) => a - b).map(([, choice]) => choice);
}

// How far apart the letters stand in the label, in order; those that begin a word cost nothing.
function fit(label, wanted) {
  let cost = 0;
  let at = -1;
  for (const letter of wanted) {
    const next = label.indexOf(letter, at + 1);
    if (next < 0) return Infinity;
    const beginsWord = next === 0 || label[next - 1] === " ";
    cost += beginsWord ? 0.1 : next - at - 1;
    at = next;
  }
  return cost + label.length / 1000;
}

export function choicesOf(choices, run) {
  return choices.map((choice, number) => {
    const option = document.createElement("li");
    option.id = `choice-${number}`;
    option.role = "option";
    option.ariaSelected = "false";
    const label = document.createElement("span");
    label.dir = "auto";
    label.textContent = choice.label;
    option.append(label, ...choice.key.split(" ").filter(Boolean).map(keycap));
    option.addEventListener("click", () => run(choice));
    return option;
  });
}

function keycap(name) {
  const cap = document.createElement("kbd");
  cap.textContent = name === "Enter" ? "↵" : name;
  return cap;
}
