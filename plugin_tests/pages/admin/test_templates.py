"""The dialog for name templates: the server renders the example while a template is typed."""
NAMES = 'Example: Slicer_linux_amd64_33241', 'Example: 33241_SlicerIGT_linux_amd64_ab12cd3'
PATH = '**/name_template_example?*'


def shown(dialog):
    dialog.locator('.spm-example').nth(1).wait_for()
    return dialog.locator('.spm-example').all_inner_texts()


def test_templates_are_saved_with_an_example_in_view(open_girder, app, summary):
    girder = open_girder().go(f'packages/{app["_id"]}')
    dialog = girder.dialog('Edit')
    save = dialog.get_by_role('button', name='Save')
    packages = dialog.get_by_label('Packages')
    assert tuple(shown(dialog)) == NAMES
    assert '{dicom_support_rule}' in dialog.locator('details').text_content()
    packages.fill('{baseName}<b>{foo}')
    assert save.is_disabled()
    dialog.get_by_text('"{foo}" is not one of').wait_for()
    assert save.is_disabled()
    girder.forgive(400)
    packages.fill('{baseName}<b>{version}')
    dialog.get_by_text('Example: Slicer<b>5.8.1').wait_for()
    save.click()
    girder.alerted('The templates are saved')
    girder.page.locator('dd', has_text='{baseName}<b>{version}').wait_for()
    assert summary()['app']['templates']['package'] == '{baseName}<b>{version}'


def test_an_example_is_requested_after_the_last_letter_only(open_girder, app):
    girder = open_girder().go(f'packages/{app["_id"]}')
    dialog = girder.dialog('Edit')
    shown(dialog)
    asked = []
    girder.page.on('request', lambda request: asked.append(request.url) if 'name_template' in request.url else None)
    letters = '_nightly_build'  # after each of them, the template is valid: a busy machine may pause there
    dialog.get_by_label('Packages').fill('{baseName}')
    dialog.get_by_label('Packages').press_sequentially(letters)
    dialog.get_by_text(f'Example: Slicer{letters}').wait_for()
    assert len(asked) < len(letters)


def test_the_server_has_the_last_word(open_girder, app, summary):
    girder = open_girder().go(f'packages/{app["_id"]}')
    girder.page.route(PATH, lambda route: route.fulfill(json={'name': 'any', 'keys': ['tomorrow']}))
    dialog = girder.dialog('Edit')
    dialog.get_by_label('Packages').fill('{tomorrow}')
    dialog.get_by_text('Example: any').first.wait_for()
    dialog.get_by_role('button', name='Save').click()
    dialog.locator('.g-validation-failed-message', has_text='"{tomorrow}" is not one of').wait_for()
    girder.forgive(400)
    assert 'tomorrow' not in summary()['app']['templates']['package']


def test_a_server_that_does_not_answer_is_reported(open_girder, app):
    girder = open_girder().go(f'packages/{app["_id"]}')
    girder.page.route(PATH, lambda route: route.abort())
    dialog = girder.dialog('Edit')
    dialog.get_by_text('The server cannot be reached.').first.wait_for()
    assert dialog.get_by_role('button', name='Save').is_disabled()
    girder.window.problems.clear()  # the browser reports the requests
