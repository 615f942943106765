"""The app's entry point: `streamlit run src/mlpaygrade/app/main.py`.

Runs from an installed package, and from a bare checkout where only the requirements are installed, as hosts of Streamlit apps do.
"""

import importlib.util
import sys
from pathlib import Path

if __name__ == "__main__":
    if importlib.util.find_spec("mlpaygrade") is None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from mlpaygrade.app.serving import look_nothing_up, main

    look_nothing_up()

    main()
