/*
 * Templates of item names, with a live example. The rules are those of registry/schema/name_templates.py; the server has the
 * last word when a template is saved.
 */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const {el} = spm;
    const LONGEST_TEMPLATE = 4096;
    const LONGEST_NAME = 255;
    const SHARED = {
        app_id: '5f4474d0e1d8c75dfc705482', os: 'linux', arch: 'amd64', repository_type: 'git',
        sha512: 'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f' +
            '63b931bd47417a81a538327af927da3e'
    };

    /** What can be named: the key of the template in the folder of the application, and a value for each key. */
    spm.KINDS = {
        package: {
            label: 'Packages',
            key: 'applicationPackageNameTemplate',
            example: {
                ...SHARED, baseName: 'Slicer', repository_url: 'https://github.com/Slicer/Slicer', revision: '33241',
                version: '5.8.1', pre_release: 'False', build_date: '2026-11-01 04:00:00', release: '5.8.1'
            }
        },
        extension: {
            label: 'Extensions',
            key: 'extensionPackageNameTemplate',
            example: {
                ...SHARED, baseName: 'SlicerIGT', repository_url: 'https://github.com/SlicerIGT/SlicerIGT',
                revision: 'ab12cd3', app_revision: '33241', description: 'Image-guided therapy',
                icon_url: 'https://example.org/icon.png', category: 'IGT', homepage: 'https://www.slicerigt.org',
                screenshots: 'https://example.org/1.png', contributors: 'Queen’s University', dependency: 'SlicerIGSIO',
                recommends: 'PLUSToolkit', license: 'BSD', development_status: 'beta', enabled: 'True', tier: '3',
                dicom_support_rule: '', keywords: 'navigation tracking'
            }
        }
    };

    const oneLine = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();

    /** The parts of a template, `{text}` or `{key}`; fails where it is none. */
    function parse(template) {
        const parts = [];
        let at = 0;
        while (at < template.length) {
            const brace = template.slice(at).search(/[{}]/);
            if (brace < 0) {
                parts.push({text: template.slice(at)});
                break;
            }
            parts.push({text: template.slice(at, at + brace)});
            at += brace;
            const mark = template[at];
            if (template[at + 1] === mark) {
                parts.push({text: mark});
                at += 2;
            } else if (mark === '}') {
                throw new Error('There is a “}” without a “{”; write “}}” for the character itself.');
            } else {
                const end = template.indexOf('}', at);
                if (end < 0) {
                    throw new Error('There is a “{” without a “}”; write “{{” for the character itself.');
                }
                parts.push({key: template.slice(at + 1, end)});
                at = end + 1;
            }
        }
        return parts;
    }

    function value(key, example) {
        const plain = key.endsWith(':') ? key.slice(0, -1) : key;
        if (/[:!]/.test(plain)) {
            throw new Error(`“{${key}}” must be a plain key, without format or conversion.`);
        }
        if (!Object.prototype.hasOwnProperty.call(example, plain)) {
            throw new Error(`“{${key}}” is none of ${Object.keys(example).sort().join(', ')}.`);
        }
        return example[plain];
    }

    /** The name that `template` gives to the example of `kind`; fails where it is unusable, and says why. */
    spm.renderTemplate = function (template, kind) {
        const given = oneLine(template);
        if (!given) {
            throw new Error('The template must not be empty.');
        }
        if (new TextEncoder().encode(given).length > LONGEST_TEMPLATE) {
            throw new Error('The template is longer than 4 KiB.');
        }
        const {example} = spm.KINDS[kind];
        const name = oneLine(parse(given).map(
            (part) => (part.key === undefined ? part.text : value(part.key, example))).join(''));
        if (!name) {
            throw new Error('It gives an empty name.');
        }
        if (Array.from(name).length > LONGEST_NAME) {
            throw new Error('It gives a name that is longer than 255 characters.');
        }
        return name;
    };

    /** A line that shows what a template gives, or why it gives nothing. */
    function example(kind, template) {
        try {
            return el('p', {class: 'spm-example'}, 'Example: ', el('code', {}, spm.renderTemplate(template, kind)));
        } catch (failure) {
            return el('p', {class: 'spm-example text-danger'}, failure.message);
        }
    }

    const isUsable = (kind, template) => {
        try {
            return Boolean(spm.renderTemplate(template, kind));
        } catch (failure) {
            return false;
        }
    };

    /** The dialog for both templates of `app`, the `app` of a summary; `saved` is called after the server took them. */
    spm.editTemplates = function (app, saved) {
        const kinds = Object.keys(spm.KINDS);
        const examples = Object.fromEntries(kinds.map((kind) => [kind, el('div', {'aria-live': 'polite'})]));
        const show = (values) => kinds.forEach((kind) => examples[kind].replaceChildren(example(kind, values[kind])));
        const keys = kinds.map((kind) => el('p', {class: 'help-block'}, `${spm.KINDS[kind].label}: `, Object.keys(
            spm.KINDS[kind].example).sort().map((key) => [el('code', {}, `{${key}}`), ' '])));
        const shown = spm.dialog({
            title: `Names in ${app.name}`,
            body: el('p', {}, 'A new package or extension is named after its metadata; so is one that is uploaded ' +
                'again. What is there keeps its name until then.'),
            fields: kinds.map((kind) => ({
                name: kind, label: spm.KINDS[kind].label, value: app.templates[kind], changed: () => show(shown.read())
            })),
            footer: el('details', {}, el('summary', {}, 'Keys that can be used'), keys),
            submit: 'Save', icon: 'edit',
            blocked: (values) => kinds.some((kind) => !isUsable(kind, values[kind])),
            save: async (values) => {
                await spm.save(app, values);
                spm.tell('The templates are saved.');
                saved();
            }
        });
        kinds.forEach((kind, index) => shown.form.querySelectorAll('.form-group')[index].append(examples[kind]));
        show(shown.read());
    };

    spm.save = (app, values) => new Promise((resolve, reject) => {
        girder.rest.restRequest({
            method: 'PUT', url: `folder/${app._id}/metadata`, contentType: 'application/json', error: null,
            data: JSON.stringify(Object.fromEntries(Object.entries(values).map(
                ([kind, template]) => [spm.KINDS[kind].key, template])))
        }).done(resolve).fail((xhr) => reject(new spm.Failure(xhr)));
    });
}(window.girder));
