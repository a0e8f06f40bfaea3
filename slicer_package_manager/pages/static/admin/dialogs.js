/* Dialogs: forms that stay open until the server accepted them, and confirmations. */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const {el} = spm;
    let fields = 0;

    function input(field) {
        const given = {id: field.id, name: field.name, class: 'form-control input-sm', placeholder: field.placeholder};
        if (field.type === 'choice') {
            return el('select', given, field.choices.map(([value, label]) => el(
                'option', {value, selected: value === field.value}, label)));
        }
        if (field.type === 'checkbox') {
            return el('input', {id: field.id, name: field.name, type: 'checkbox', checked: Boolean(field.value)});
        }
        if (field.type === 'lines') {
            return el('textarea', {...given, rows: '4', spellcheck: 'false', value: (field.value || []).join('\n')});
        }
        if (field.type === 'json') {
            return el('textarea', {...given, rows: '4', spellcheck: 'false', value: JSON.stringify(field.value, null, 2)});
        }
        return el('input', {...given, type: field.type || 'text', autocomplete: 'off', required: Boolean(field.required),
                            value: field.value === undefined ? '' : String(field.value), min: field.min,
                            max: field.max});
    }

    /** What JSON says; the text itself where it is none, which the server refuses with its reason. */
    function parsed(text) {
        try {
            return JSON.parse(text);
        } catch {
            return text;
        }
    }

    const READERS = {
        json: (control) => parsed(control.value),
        checkbox: (control) => control.checked,
        lines: (control) => control.value.split(/[\s,]+/).filter((line) => line),
        number: (control) => (control.value === '' ? null : Number(control.value))
    };

    /**
     * A labelled control in Girder's look.
     * @param field `{name, label, type, value, help, required, choices, min, max, placeholder, changed}`; the type
     *     is one of `text`, `number`, `checkbox`, `choice`, `lines`, `json`.
     * @returns `{element, name, read(), control}`.
     */
    spm.field = function (field) {
        fields += 1;
        const whole = {...field, id: `spm-field-${fields}`};
        const control = input(whole);
        const listener = () => field.changed && field.changed();
        control.addEventListener('input', listener);
        control.addEventListener('change', listener);
        const help = field.help && el('p', {class: 'help-block', id: `${whole.id}-help`}, field.help);
        if (help) {
            control.setAttribute('aria-describedby', `${whole.id}-help`);
        }
        const element = field.type === 'checkbox'
            ? el('div', {class: 'form-group'}, el('div', {class: 'checkbox'}, el(
                'label', {for: whole.id}, control, ` ${field.label}`)), help)
            : el('div', {class: 'form-group'}, el(
                'label', {class: 'control-label', for: whole.id}, field.label), control, help);
        return {element, control, name: field.name, read: () => (READERS[field.type] || ((one) => one.value))(control)};
    };

    /**
     * Show a form in Girder's dialog.
     * @param options `title`; `body`, elements above the fields; `fields`; `footer`, elements below them; `submit`,
     *     the button's text; `icon`; `style` of the button; `blocked(values)`, whether the button is off; and
     *     `save(values)`, a promise: where it fails, the dialog stays and shows the message.
     */
    spm.dialog = function (options) {
        const container = girder.$('#g-dialog-container');
        const wrong = el('div', {class: 'g-validation-failed-message', role: 'alert'});
        const button = el('button', {type: 'submit', class: `btn btn-small btn-${options.style || 'primary'}`},
            spm.icon(options.icon || 'ok'), options.submit);
        const update = () => {
            button.disabled = Boolean(options.blocked && options.blocked(read()));
        };
        const controls = (options.fields || []).map((field) => spm.field({
            ...field, changed: () => (field.changed && field.changed(), update())
        }));
        const read = () => Object.fromEntries(controls.map((one) => [one.name, one.read()]));
        const submit = async (event) => {
            event.preventDefault();
            wrong.textContent = '';
            button.disabled = true;
            try {
                await options.save(read());
                container.modal('hide');
            } catch (failure) {
                wrong.textContent = failure.message;
                update();
            }
        };
        const form = el(
            'form', {class: 'modal-form spm-dialog', submit, novalidate: ''},
            el('div', {class: 'modal-header'},
                el('button', {class: 'close', 'data-dismiss': 'modal', type: 'button', 'aria-label': 'Close'}, '×'),
                el('h4', {class: 'modal-title'}, options.title)),
            el('div', {class: 'modal-body'}, options.body, controls.map((one) => one.element), options.footer, wrong),
            el('div', {class: 'modal-footer'},
                el('button', {class: 'btn btn-small btn-default', 'data-dismiss': 'modal', type: 'button'}, 'Cancel'),
                button));
        update();
        container.empty().append(el('div', {class: 'modal-dialog'}, el('div', {class: 'modal-content'}, form)));
        container.girderModal(false).one('shown.bs.modal', () => {
            container.find('input:not([type=checkbox]), textarea, select').first().trigger('focus');
        });
        return {form, read, update};
    };

    /** Ask before something that cannot be undone; `name` has to be typed, where one is given. */
    spm.confirm = function ({title, body, name, submit, save}) {
        const typed = name === undefined ? [] : [{
            name: 'typed', label: el('span', {}, 'To confirm, type ', el('strong', {class: 'spm-name'}, name)),
        }];
        spm.dialog({
            title, body, fields: typed, submit, icon: 'trash', style: 'danger',
            blocked: ({typed: text}) => name !== undefined && text.trim() !== name.trim(),
            save: () => {
                // The dialog makes room for the progress; a failure is told as an alert.
                save();
                return Promise.resolve();
            }
        });
    };
}(window.girder));
