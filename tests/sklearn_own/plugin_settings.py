"""What the plugin and the test that runs it agree on; importing the plugin itself would change scikit-learn."""

#: Environment variable with the path of the JSON file that the plugin writes.
OUTCOMES = "MTLINEAR_SKLEARN_OUTCOMES"
