// @ts-check
// Dialogs: forms that stay open until the server accepts them, and confirmations.

import { element, messageOf } from '../dom.js';
import { girder } from './girder.js';
import { icon } from './widgets.js';

/**
 * A field of a form.
 *
 * @typedef {object} Field
 * @property {string} name
 * @property {Content} label
 * @property {'text' | 'number' | 'checkbox' | 'choice' | 'lines'} [type] `text` by default
 * @property {unknown} [value]
 * @property {string | null} [help]
 * @property {string} [placeholder]
 * @property {string} [min] of a number
 * @property {string} [max] of a number
 * @property {[value: string, label: string][]} [choices]
 * @property {() => void} [changed] called after each change of the value
 * @property {(control: Control) => Content} [beside] makes what belongs beside the control
 */

/**
 * A dialog.
 *
 * @typedef {object} DialogOptions
 * @property {string} title
 * @property {Content} [body] above the fields
 * @property {Field[]} [fields]
 * @property {Content} [footer] below the fields
 * @property {string} submit text of the button
 * @property {string} [icon] of the button
 * @property {string} [style] of the button
 * @property {(values: Values) => boolean} [blocked] whether the button is disabled
 * @property {(values: Values) => Promise<unknown>} save where it fails, the dialog stays open with the message
 */

/** @typedef {Record<string, any>} Values values of the fields by name; their types depend on the fields */
/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Control */

let fields = 0;

/**
 * @param {Field} field
 * @param {string} id
 * @returns {Control}
 */
function controlOf(field, id) {
  const { name, type, value, placeholder, min, max } = field;
  const common = { id, name, class: 'form-control input-sm', placeholder };
  switch (type) {
    case 'choice':
      return element(
        'select',
        common,
        (field.choices || []).map(([key, label]) => element('option', { value: key, selected: key === value }, label)),
      );
    case 'checkbox':
      return element('input', { id, name, type, checked: Boolean(value) });
    case 'lines':
      return element('textarea', { ...common, rows: '4', spellcheck: 'false', value: textOf(value, type) });
    default:
      return element('input', {
        ...common,
        type: type || 'text',
        autocomplete: 'off',
        value: textOf(value, type),
        min,
        max,
      });
  }
}

/**
 * The text that a control shows for a value.
 *
 * @param {unknown} value
 * @param {Field['type']} type
 * @returns {string}
 */
function textOf(value, type) {
  if (type === 'lines') return /** @type {string[]} */ (value || []).join('\n');
  return String(value ?? '');
}

/**
 * @param {Control} control
 * @param {Field['type']} type
 */
function readControl(control, type) {
  const { value } = control;
  switch (type) {
    case 'checkbox':
      return control instanceof HTMLInputElement && control.checked;
    case 'lines':
      return value.split(/[\s,]+/).filter((line) => line);
    case 'number':
      return value === '' ? null : Number(value);
    default:
      return value;
  }
}

/**
 * A labeled control in Girder's look.
 *
 * @param {Field} field
 */
export function fieldControl(field) {
  fields += 1;
  const id = `spm-field-${fields}`;
  const control = controlOf(field, id);
  const listener = () => field.changed?.();
  control.addEventListener('input', listener);
  control.addEventListener('change', listener);
  const help = field.help && element('p.help-block', { id: `${id}-help` }, field.help);
  if (help) control.setAttribute('aria-describedby', `${id}-help`);
  const content =
    field.type === 'checkbox'
      ? [element('div.checkbox', {}, element('label', { for: id }, control, ' ', field.label)), help]
      : [element('label.control-label', { for: id }, field.label), control, field.beside?.(control), help];
  return {
    element: element('div.form-group', {}, content),
    control,
    name: field.name,
    read: () => /** @type {any} */ (readControl(control, field.type)),
    /** Show another value, in a control with a text. */
    write(/** @type {unknown} */ value) {
      control.value = textOf(value, field.type);
    },
  };
}

/**
 * Show a form in Girder's dialog.
 *
 * @param {DialogOptions} options
 */
export function showDialog(options) {
  const problem = element('div.g-validation-failed-message', { role: 'alert' });
  const submit = element(
    'button',
    { type: 'submit', class: `btn btn-small btn-${options.style || 'primary'}` },
    icon(options.icon || 'ok'),
    options.submit,
  );
  /** @type {ReturnType<typeof fieldControl>[]} */
  const controls = [];
  const read = () => Object.fromEntries(controls.map((one) => [one.name, one.read()]));
  const update = () => {
    submit.disabled = Boolean(options.blocked?.(read()));
  };
  for (const field of options.fields || []) {
    const changed = () => {
      field.changed?.();
      update();
    };
    controls.push(fieldControl({ ...field, changed }));
  }
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    problem.textContent = '';
    submit.disabled = true;
    try {
      await options.save(read());
      girder.$('#g-dialog-container').modal('hide');
    } catch (failure) {
      problem.textContent = messageOf(failure);
      update();
    }
  };
  const body = [options.body, controls.map((one) => one.element), options.footer, problem];
  const form = element('form.modal-form.spm-dialog', { onsubmit, novalidate: '' }, frame(options.title, body, submit));
  update();
  open(form);
  return { form, read, update };
}

/**
 * @param {string} title
 * @param {Content} body
 * @param {HTMLElement} submit
 */
function frame(title, body, submit) {
  const close = { 'data-dismiss': 'modal', type: 'button' };
  return [
    element(
      'div.modal-header',
      {},
      element('button.close', { ...close, 'aria-label': 'Close' }, '×'),
      element('h4.modal-title', {}, title),
    ),
    element('div.modal-body', {}, body),
    element('div.modal-footer', {}, element('button.btn.btn-small.btn-default', close, 'Cancel'), submit),
  ];
}

/**
 * Bootstrap gives the focus to the container at the end of its transition. Whatever the user focused until then gets it
 * back, since they may be typing there; otherwise the first field gets it.
 *
 * @param {HTMLElement} form
 */
function open(form) {
  const container = girder.$('#g-dialog-container');
  container.empty().append(element('div.modal-dialog', {}, element('div.modal-content', {}, form)));
  /** @type {HTMLElement | null} */
  let wanted = form.querySelector('input:not([type=checkbox]), textarea, select');
  const noteFocus = (/** @type {FocusEvent} */ event) => {
    wanted = /** @type {HTMLElement} */ (event.target);
  };
  form.addEventListener('focusin', noteFocus);
  container.girderModal(false).one('shown.bs.modal', () => {
    form.removeEventListener('focusin', noteFocus);
    wanted?.focus();
  });
}

/**
 * Ask before an action that cannot be undone.
 *
 * The dialog closes before the action is complete; `save` shows its own progress and failures.
 *
 * @param {{title: string, body: Content, name?: string, submit: string, save: () => Promise<void>}} options with a `name`,
 *   the user has to type it
 */
export function showConfirmation({ title, body, name, submit, save }) {
  /** @type {Field} */
  const typed = {
    name: 'typed',
    label: element('span', {}, 'To confirm, type ', element('strong.spm-name', {}, name)),
  };
  showDialog({
    title,
    body,
    fields: name === undefined ? [] : [typed],
    submit,
    icon: 'trash',
    style: 'danger',
    blocked: (values) => name !== undefined && values.typed.trim() !== name.trim(),
    save: async () => {
      save();
    },
  });
}
