"""Let ``python -m slicer_package_manager_client`` do what the console script does."""
from slicer_package_manager_client.cli import main

if __name__ == '__main__':
    main()
