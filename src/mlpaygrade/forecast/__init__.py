"""From a job to an answer: encoding, calibration, refusal, evidence, the bundle, the one inference path."""
