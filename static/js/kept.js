// What somebody typed for a draft, kept in this browser until it is decided on: by user and by
// draft, for a week, and never shown to another user.
const PREFIX = "ally.typed.";
const LASTS = 7 * 24 * 3600 * 1000; // milliseconds

const keyOf = (user, draft) => `${PREFIX}${user}.${draft}`;

export function keep(user, draft, typed) {
  try {
    localStorage.setItem(keyOf(user, draft), JSON.stringify({ ...typed, at: Date.now() }));
  } catch {
    // Storage is full or switched off: the page itself still holds what was typed.
  }
}

export function kept(user, draft) {
  return read(keyOf(user, draft));
}

export function forget(user, draft) {
  localStorage.removeItem(keyOf(user, draft));
}

function read(key) {
  try {
    const typed = JSON.parse(localStorage.getItem(key));
    return typed && Date.now() - typed.at < LASTS ? typed : null;
  } catch {
    return null;
  }
}

function forgetAll(test) {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX) && test(key)) localStorage.removeItem(key);
  }
}

// Whoever signs out leaves nothing behind; of the others what is a week old goes.
document.addEventListener("submit", ({ target }) => {
  const user = target.dataset.forget;
  if (user) forgetAll((key) => key.startsWith(keyOf(user, "")));
});
forgetAll((key) => !read(key));
