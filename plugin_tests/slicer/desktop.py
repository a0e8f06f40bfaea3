"""What Slicer's Extensions Manager does, in the web engine that Slicer embeds; a program of its own.

``python desktop.py 5|6 URL DIRECTORY REVISION OS ARCH`` runs with Qt 5 (PyQtWebEngine) or Qt 6 (PyQt6-WebEngine).
It reads commands from the standard input, one JSON value per line, and answers each with one line. Sources are Slicer's
qSlicerExtensionsManagerModel, qSlicerExtensionsInstallWidget and qSlicerWebWidget:

1. The page gets ``extensions_manager_model`` over a QWebChannel, by a script at the creation of the document.
2. The list is ``GET /app/APP/extension`` for the revision, system and architecture; ids that are not in it are refused.
3. An extension is installed from the only file of its item, and so are the extensions that it depends on.
4. Uninstalling and updating happen at the next start.

PyQt has the GPL, so nothing that is distributed may import this module.
"""
import importlib
import io
import json
import sys
import tarfile
from pathlib import Path

ENGINE = int(sys.argv[1])
_QT = f'PyQt{ENGINE}.Qt'
QtCore, QtNetwork, QtWidgets, QtWebChannel, QtWebEngineWidgets, QtWebEngineCore = (
    importlib.import_module(_QT + name)
    for name in ('Core', 'Network', 'Widgets', 'WebChannel', 'WebEngineWidgets',
                 'WebEngineWidgets' if ENGINE == 5 else 'WebEngineCore'))
Signal, Slot, Property = QtCore.pyqtSignal, QtCore.pyqtSlot, QtCore.pyqtProperty

APP = '5f4474d0e1d8c75dfc705482'
#: Slicer refuses entries in which one of these is empty.
REQUIRED = ('app_id', 'app_revision', 'arch', 'baseName', 'os')
CHANNEL = """
new QWebChannel(qt.webChannelTransport, (channel) => {
  window.extensions_manager_model = channel.objects.extensions_manager_model;
  window.extensions_install_widget = channel.objects.extensions_install_widget;
});
"""


class Server:
    """The server, asked as Slicer does: no redirects with Qt 5, and the body as a whole."""

    def __init__(self, url):
        self.url, self.statuses = url.rstrip('/'), []
        self._network = QtNetwork.QNetworkAccessManager()

    def get(self, path):
        reply = self._network.get(QtNetwork.QNetworkRequest(QtCore.QUrl(self.url + path)))
        wait = QtCore.QEventLoop()
        reply.finished.connect(wait.quit)
        _run(wait)
        attribute = QtNetwork.QNetworkRequest.Attribute.HttpStatusCodeAttribute
        status = reply.attribute(attribute)
        self.statuses.append(status)
        if reply.error() != QtNetwork.QNetworkReply.NetworkError.NoError:
            raise OSError(f'{path}: {status} {reply.errorString()}')
        return bytes(reply.readAll())


class Manager(QtCore.QObject):
    """``qSlicerExtensionsManagerModel``: its properties, slots and signals have Slicer's names."""

    modelUpdated = Signal()
    slicerChanged = Signal()
    extensionInstalled = Signal(str)
    extensionScheduledForUninstall = Signal(str)
    extensionCancelledScheduleForUninstall = Signal(str)
    messageLogged = Signal(str, str)

    def __init__(self, server, directory, requirements):
        super().__init__()
        self._server, self._directory = server, Path(directory)
        self._revision, self._os, self._arch = requirements
        self.bookmarked, self.installed, self.list = [], {}, {}
        self.updates, self.to_uninstall, self.to_update = [], [], []

    slicerRevision = Property(str, lambda self: self._revision, notify=slicerChanged)
    slicerOs = Property(str, lambda self: self._os, notify=slicerChanged)
    slicerArch = Property(str, lambda self: self._arch, notify=slicerChanged)
    installedExtensions = Property('QStringList', lambda self: sorted(self.installed), notify=modelUpdated)
    enabledExtensions = Property('QStringList', lambda self: sorted(self.installed), notify=modelUpdated)
    bookmarkedExtensions = Property('QStringList', lambda self: self.bookmarked, notify=modelUpdated)
    availableUpdateExtensions = Property('QStringList', lambda self: self.updates, notify=modelUpdated)

    @Slot(str, result=bool)
    def isExtensionInstalled(self, name):
        return name in self.installed

    @Slot(str, result=bool)
    def isExtensionUpdateAvailable(self, name):
        return name in self.updates

    @Slot(str, result=bool)
    def isExtensionScheduledForUninstall(self, name):
        return name in self.to_uninstall

    @Slot(str, result=bool)
    def isExtensionScheduledForUpdate(self, name):
        return name in self.to_update

    @Slot(str, result=bool)
    def downloadAndInstallExtension(self, identifier):
        found = [name for name, one in self.list.items() if one['_id'] == identifier]
        if not found:
            self.messageLogged.emit(f'could not find an extension with id = {identifier}', 'error')
        return bool(found) and self.install(found[0])

    @Slot(str, result=bool)
    def scheduleExtensionForUninstall(self, name):
        if name not in self.installed:
            return False
        self.to_uninstall.append(name)
        self.extensionScheduledForUninstall.emit(name)
        return True

    @Slot(str, result=bool)
    def cancelExtensionScheduledForUninstall(self, name):
        if name not in self.to_uninstall:
            return False
        self.to_uninstall.remove(name)
        self.extensionCancelledScheduleForUninstall.emit(name)
        return True

    @Slot(str, result=bool)
    def scheduleExtensionForUpdate(self, name):
        if name not in self.updates:
            return False
        self.to_update.append(name)
        return True

    def read_list(self):
        """Read the list, and find the installed extensions whose revision differs from the listed one."""
        entries = json.loads(self._server.get(
            f'/api/v1/app/{APP}/extension?app_revision={self._revision}&arch={self._arch}&limit=0&os={self._os}'))
        self.list = {one['meta']['baseName']: one for one in entries if _is_complete(one)}
        self.updates = sorted(name for name, revision in self.installed.items()
                              if name in self.list and self.list[name]['meta']['revision'] != revision)
        self.modelUpdated.emit()

    def install(self, name):
        """Install an extension with those that it depends on; reinstalling is not possible."""
        if name in self.installed:
            self.messageLogged.emit(f'Skip installation of {name} extension. It is already installed.', 'warning')
            return False
        try:
            self._unpack(name)
        except (OSError, ValueError, tarfile.TarError) as error:
            self.messageLogged.emit(f'Failed to install {name}: {error}', 'error')
            return False
        meta = self.list[name]['meta']
        self.installed[name] = meta['revision']
        required = [one for one in meta.get('dependency', '').split() if one not in ('NA', *self.installed)]
        results = [one in self.list and self.install(one) for one in required]
        self.extensionInstalled.emit(name)
        self.messageLogged.emit(f'Installed extension {name} revision {meta["revision"]}', '')
        return all(results)

    def _unpack(self, name):
        files = json.loads(self._server.get(f'/api/v1/item/{self.list[name]["_id"]}/files'))
        if len(files) != 1 or not files[0]['name']:
            raise ValueError(f'{len(files)} files')
        content = self._server.get(f'/api/v1/file/{files[0]["_id"]}/download')
        top = files[0]['name'].removesuffix('.tar.gz')
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive.getmembers():
                inner = Path(member.name).relative_to(top)
                target = self._directory / name / inner
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())

    def restart(self):
        """What Slicer does between two runs: uninstall and update what was scheduled."""
        for name in self.to_uninstall:
            del self.installed[name]
        replaced = [name for name in self.to_update if self.installed.pop(name, None)]
        self.to_uninstall, self.to_update = [], []
        self.read_list()
        for name in replaced:
            self.install(name)
        self.read_list()


def _is_complete(entry):
    values = (entry.get('_id'), entry.get('name'), *map(entry['meta'].get, REQUIRED))
    return all(isinstance(value, str) and value and '\n' not in value for value in values)


class InstallWidget(QtCore.QObject):
    """The object ``extensions_install_widget`` of the page."""

    def __init__(self, refresh):
        super().__init__()
        self._refresh = refresh

    @Slot()
    def refresh(self):
        self._refresh()


class Page(QtWebEngineCore.QWebEnginePage):
    """A page whose console is kept, which has Slicer's objects."""

    def __init__(self, parent, objects):
        super().__init__(QtWebEngineCore.QWebEngineProfile(parent), parent)
        self.console = []
        channel = QtWebChannel.QWebChannel(self)
        channel.registerObjects(objects)
        self.setWebChannel(channel)
        library = QtCore.QFile(':/qtwebchannel/qwebchannel.js')
        library.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        script = QtWebEngineCore.QWebEngineScript()
        script.setSourceCode(bytes(library.readAll()).decode() + CHANNEL)
        script.setWorldId(QtWebEngineCore.QWebEngineScript.ScriptWorldId.MainWorld)
        script.setInjectionPoint(QtWebEngineCore.QWebEngineScript.InjectionPoint.DocumentCreation)
        self.scripts().insert(script)

    def javaScriptConsoleMessage(self, _level, message, line, source):
        self.console.append(f'{source}:{line}: {message}')


class Desktop(QtCore.QObject):
    """The window of the Extensions Manager, and the commands of the standard input."""

    def __init__(self, url, directory, *requirements):
        super().__init__()
        self.server = Server(url)
        self.manager = Manager(self.server, directory, requirements)
        self.widget = InstallWidget(self.open)
        self.view = QtWebEngineWidgets.QWebEngineView()
        self.page = Page(self.view, {'extensions_manager_model': self.manager,
                                     'extensions_install_widget': self.widget})
        self.view.setPage(self.page)
        self.view.resize(1000, 700)
        self.view.show()
        self._forward_signals()
        self._address = f'{self.server.url}/catalog/All/{requirements[0]}/{requirements[1]}'
        self._commands = QtCore.QSocketNotifier(sys.stdin.fileno(), QtCore.QSocketNotifier.Type.Read)
        self._commands.activated.connect(self._read)

    def _forward_signals(self):
        """Report what happens to the page, with the calls that Slicer makes."""
        manager, call = self.manager, self.call
        manager.extensionInstalled.connect(lambda name: call('app.setExtensionButtonState', name, 'Installed'))
        manager.extensionCancelledScheduleForUninstall.connect(
            lambda name: call('app.setExtensionButtonState', name, 'Installed'))
        manager.extensionScheduledForUninstall.connect(
            lambda name: call('app.setExtensionButtonState', name, 'ScheduledForUninstall'))
        manager.messageLogged.connect(lambda text, kind: call('app.createNotice', text, 2500, kind))

    def call(self, function, *values):
        self.page.runJavaScript(f'{function}({", ".join(map(json.dumps, values))});')

    def open(self):
        """Load the catalog; nothing of the page before it can be seen any more."""
        empty = QtCore.QEventLoop()
        self.view.loadFinished.connect(empty.quit)
        self.view.setHtml('')
        _run(empty)
        self.view.loadFinished.disconnect(empty.quit)
        self.view.setUrl(QtCore.QUrl(self._address))

    def _read(self):
        line = sys.stdin.readline()
        if not line:
            QtWidgets.QApplication.quit()
            return
        name, *values = json.loads(line)
        getattr(self, f'do_{name}')(*values)

    def do_open(self, bookmarked):
        """Open the manager, as its menu does."""
        self.manager.bookmarked = bookmarked
        self.manager.read_list()
        self.open()
        _answer(None)

    def do_restart(self):
        self.manager.blockSignals(True)  # there is no page between two runs
        self.manager.restart()
        self.manager.blockSignals(False)
        self.open()
        _answer(None)

    def do_install(self, name):
        """Install without the page."""
        _answer(self.manager.install(name))

    def do_evaluate(self, code):
        """Answer the value of JavaScript; ``null`` while there is no page."""
        self.page.runJavaScript(f'JSON.stringify({code})', lambda value: _answer(json.loads(value or 'null')))

    def do_search(self, text):
        self.call('app.search', text)
        _answer(None)

    def do_state(self):
        manager = self.manager
        _answer({'installed': manager.installed, 'to_uninstall': manager.to_uninstall, 'to_update': manager.to_update,
                 'updates': manager.updates, 'console': self.page.console, 'statuses': self.server.statuses})

    def do_grab(self, path):
        _answer(self.view.grab().save(path))


def _run(loop):
    (loop.exec_ if ENGINE == 5 else loop.exec)()


def _answer(value):
    sys.stdout.write(json.dumps(value) + '\n')
    sys.stdout.flush()


def main():
    application = QtWidgets.QApplication(sys.argv[:1])
    desktop = Desktop(*sys.argv[2:])
    _answer(QtCore.QT_VERSION_STR)
    _run(application)
    # Qt's order of destruction would end in a crash: pages before their profiles.
    desktop.view.setPage(None)
    desktop.page.deleteLater()


if __name__ == '__main__':
    main()
