"""Employment warehouse of the French priority neighbourhoods (QPV).

Dependencies point one way: ``cli``/``airflow`` -> ``pipeline`` -> the steps -> ``catalogue``. Nothing here
imports Airflow but ``qpv_emploi.airflow``.
"""

__version__ = "0.1.0"
