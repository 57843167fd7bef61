"""Airflow side of the pipeline: assets, task functions, and a private Airflow for one machine.

The only package, with ``dags/``, that may import Airflow.
"""
