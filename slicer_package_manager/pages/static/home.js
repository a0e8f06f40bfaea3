// @ts-check
// Addresses of Girder's web client with a fragment, such as /#item/…, lead to the administration, where it is now.
// Fragments never reach the server. A classic script, so that nothing is shown before.
(() => {
  const OWN = ['', '#', '#main', '#numbers', '#builds', '#next'];
  const { root = './' } = document.documentElement.dataset;
  const follow = () => {
    const { hash, search } = window.location;
    if (OWN.includes(hash)) return;
    window.location.replace(new URL(`admin${search}${hash}`, new URL(root, window.location.href)).href);
  };
  follow();
  window.addEventListener('hashchange', follow);
})();
