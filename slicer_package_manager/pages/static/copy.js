// @ts-check
// Buttons that copy the text beside them. They are hidden without scripts.

/** How long the message of a button stays, in milliseconds. */
const NOTICE = 2500;

/**
 * Show the buttons in `place`, each of which copies the text of the `code` element before it.
 *
 * @param {ParentNode} place
 * @param {(text: string) => void} say announces what happened; an empty text ends it
 */
export function offerCopies(place, say) {
  for (const button of place.querySelectorAll('button.copy')) {
    const code = button.parentElement?.querySelector('code');
    if (!(button instanceof HTMLElement) || !code) continue;
    button.hidden = false;
    button.addEventListener('click', async () => {
      try {
        await copy(code);
        button.textContent = 'Copied';
        say('Copied.');
      } catch {
        window.getSelection()?.selectAllChildren(code);
        say('Your browser does not let this page copy; the text is selected.');
      }
      setTimeout(() => {
        button.textContent = 'Copy';
        say('');
      }, NOTICE);
    });
  }
}

/**
 * Copy the text of `code`, which is selected where the browser copies selections only.
 *
 * @param {HTMLElement} code
 */
async function copy(code) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(code.textContent || '');
    return;
  }
  // Only pages that came over https may use the clipboard directly.
  window.getSelection()?.selectAllChildren(code);
  if (!document.execCommand('copy')) throw new Error('not copied');
}
