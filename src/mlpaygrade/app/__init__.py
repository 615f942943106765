"""The Streamlit app: a thin skin over the predictor. `streamlit run src/mlpaygrade/app/main.py` opens it."""
