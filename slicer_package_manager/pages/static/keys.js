// @ts-check
// The key "/" moves the focus to the search, on every page.

const TYPING = 'input, textarea, select, [contenteditable]';

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key !== '/' || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest(TYPING)) return;
  const search = document.getElementById('search');
  if (!(search instanceof HTMLInputElement)) return;
  event.preventDefault(); // else the slash is typed
  search.focus();
  search.select();
}

document.addEventListener('keydown', onKey);
