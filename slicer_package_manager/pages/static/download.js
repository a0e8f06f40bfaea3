// The page to download from works without this: here it finds out which of the systems is the visitor's, and lets
// checksums be copied.
import { element, fill } from './dom.js';

const BY_HINT = { Windows: 'win', macOS: 'macosx', Linux: 'linux' };

/** The visitor's system as the registry names it, `null` if nothing is built for such: telephones, tablets. */
function system() {
  const hints = navigator.userAgentData;
  if (hints && hints.platform) return hints.mobile ? null : BY_HINT[hints.platform] || null;
  const platform = navigator.platform || '';
  if (/Android/.test(navigator.userAgent)) return null;
  if (/^Win/.test(platform)) return 'win';
  // Tablets by Apple call themselves Macs; unlike these they are touched.
  if (/^Mac/.test(platform)) return navigator.maxTouchPoints > 1 ? null : 'macosx';
  return /^Linux/.test(platform) ? 'linux' : null;
}

/** The visitor's architecture as the registry names it, `null` where the browser does not tell. */
async function architecture(os) {
  const hints = navigator.userAgentData;
  if (hints && hints.getHighEntropyValues) {
    const told = await hints.getHighEntropyValues(['architecture', 'bitness']).catch(() => ({}));
    if (told.architecture === 'arm') return 'arm64';
    if (told.architecture === 'x86') return told.bitness === '32' ? 'i386' : 'amd64';
  }
  if (os === 'macosx') return null; // all Macs call themselves Intel
  if (/aarch64|arm64/i.test(navigator.platform)) return 'arm64';
  return /i[3-6]86/.test(navigator.platform) ? 'i386' : 'amd64';
}

/** The button for one architecture of a system: to its release or, if there is none, to its preview. */
function choice(section, row) {
  const build = row.querySelector('[data-kind="Release"]') || row.querySelector('.build');
  const { kind, version } = build.dataset;
  const what = `Download ${version}${kind === 'Preview' ? ' (preview)' : ''}`;
  return element(
    'a.button.primary', { href: build.querySelector('.get').getAttribute('href'), rel: 'nofollow' }, what,
    element('span', {}, `${section.dataset.name}, ${row.dataset.name}`));
}

function show(section, arch) {
  const rows = [...section.querySelectorAll('.architecture')];
  const mine = rows.filter((row) => row.dataset.arch === arch);
  const choices = mine.length ? mine : rows;
  let hint = null;
  if (arch && !mine.length) {
    hint = 'There is no build for processors like yours. Others run only if your system emulates their processor.';
  } else if (!arch && rows.length > 1) {
    hint = 'Apple silicon or Intel? "About This Mac" in the Apple menu tells: chips called M1 and so on are Apple silicon.';
  }
  const yours = document.getElementById('yours');
  fill(yours, element('h2', { id: 'yours-name' }, 'For your computer'),
    element('div.choices', {}, choices.map((row) => choice(section, row))),
    hint && element('p.hint.small', {}, hint));
  yours.hidden = false;
  section.classList.add('here');
  section.querySelector('.chip').hidden = false;
  section.parentNode.prepend(section);
}

async function copy(text, code) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Only pages that came over https may use the clipboard directly.
  window.getSelection().selectAllChildren(code);
  if (!document.execCommand('copy')) throw new Error('not copied');
}

for (const button of document.querySelectorAll('.copy')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const code = button.parentNode.querySelector('code');
    const said = document.getElementById('said');
    try {
      await copy(code.textContent, code);
      button.textContent = 'Copied';
      said.textContent = 'Copied.';
    } catch (error) {
      window.getSelection().selectAllChildren(code);
      said.textContent = 'Your browser does not let this page copy; the checksum is selected.';
    }
    setTimeout(() => { button.textContent = 'Copy'; said.textContent = ''; }, 2500);
  });
}

const os = system();
const section = os && document.querySelector(`.system[data-os="${os}"]`);
if (section) show(section, await architecture(os));
