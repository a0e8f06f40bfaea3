"""``python -m slicer_package_manager.cli`` is ``slicer-package-manager``."""
from slicer_package_manager.cli import main

if __name__ == '__main__':
    main(prog_name='slicer-package-manager')
