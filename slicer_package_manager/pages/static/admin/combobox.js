// @ts-check
// A text field with a list of suggestions: the pattern "combobox" of the ARIA Authoring Practices, with the focus in the
// field. The arrow keys move through the list, Enter chooses, and Escape closes it.

import { element, fill } from '../dom.js';
import { debounced } from './debounce.js';

/** Milliseconds after the last letter. */
const PAUSE = 150;

/** @typedef {[value: string, label: string]} Suggestion */

/**
 * Suggest values while a text is typed in `input`. Any other text can be typed, too.
 *
 * @param {HTMLInputElement} input
 * @param {string} label of the list
 * @param {(text: string) => Promise<Suggestion[]>} search
 * @returns {HTMLElement} the list, which belongs directly after the field
 */
export function suggestions(input, label, search) {
  const list = element('ul.dropdown-menu.spm-options', {
    id: `${input.id}-options`,
    role: 'listbox',
    'aria-label': label,
  });
  /** @type {HTMLElement | null} */
  let active = null;
  const activate = (/** @type {HTMLElement | null} */ option) => {
    active?.setAttribute('aria-selected', 'false');
    active = option;
    active?.setAttribute('aria-selected', 'true');
    active?.scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', active?.id || '');
  };
  const show = (/** @type {Suggestion[]} */ found) => {
    activate(null);
    const isOpen = found.length > 0 && document.activeElement === input;
    fill(list, isOpen && found.map(optionOf));
    list.style.display = isOpen ? 'block' : 'none';
    input.setAttribute('aria-expanded', String(isOpen));
  };
  const send = debounced(search, { answered: show, failed: () => show([]) }, PAUSE);
  const choose = (/** @type {HTMLElement} */ option) => {
    input.value = option.dataset.value || '';
    input.dispatchEvent(new Event('change'));
    show([]);
  };
  const optionOf = (/** @type {Suggestion} */ [value, text], /** @type {number} */ place) =>
    element(
      'li',
      {
        id: `${list.id}-${place}`,
        role: 'option',
        'aria-selected': 'false',
        'data-value': value,
        // A click would take the focus from the field first, which closes the list.
        onmousedown: (/** @type {MouseEvent} */ event) => {
          event.preventDefault();
          choose(/** @type {HTMLElement} */ (event.currentTarget));
        },
      },
      element('strong', {}, value),
      ` ${text}`,
    );
  const step = (/** @type {'nextElementSibling' | 'previousElementSibling'} */ way) => {
    const first = way === 'nextElementSibling' ? list.firstElementChild : list.lastElementChild;
    activate(/** @type {HTMLElement} */ (active?.[way] || first));
  };
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowDown: () => step('nextElementSibling'),
    ArrowUp: () => step('previousElementSibling'),
    Enter: () => active && choose(active),
    Escape: () => show([]),
  };
  input.addEventListener('keydown', (event) => {
    const isOurs = list.childElementCount && (event.key !== 'Enter' || active);
    if (!isOurs || !keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation(); // else Escape closes the dialog
    keys[event.key]();
  });
  for (const name of ['focus', 'input']) input.addEventListener(name, () => send(input.value));
  input.addEventListener('blur', () => show([]));
  const roles = { role: 'combobox', 'aria-autocomplete': 'list', 'aria-controls': list.id, 'aria-expanded': 'false' };
  for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);
  return list;
}
