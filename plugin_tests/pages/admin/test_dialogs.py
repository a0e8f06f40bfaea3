"""The focus of dialogs."""
#: Opens a dialog by a button and focuses a field before the dialog is shown completely. Resolves when it is.
FOCUS_EARLY = """([button, field]) => new Promise((resolve) => {
  const container = document.querySelector('#g-dialog-container');
  new MutationObserver((_, observer) => {
    if (!container.classList.contains('in')) return;
    observer.disconnect();
    container.querySelector(`[name=${field}]`).focus();
    girder.$(container).one('shown.bs.modal', resolve);
  }).observe(container, {attributes: true});
  [...document.querySelectorAll('button')].find((one) => one.textContent === button).click();
}).then(() => document.activeElement.name)"""


def test_the_first_field_has_the_focus(open_girder, app):
    girder = open_girder().go(f'packages/{app["_id"]}')
    girder.dialog('Create release')
    assert girder.page.evaluate('document.activeElement.name') == 'name'


def test_a_field_that_the_user_focused_during_the_transition_keeps_the_focus(open_girder, app):
    girder = open_girder().go(f'packages/{app["_id"]}')
    girder.button('Create release').wait_for()
    assert girder.page.evaluate(FOCUS_EARLY, ['Create release', 'app_revision']) == 'app_revision'
