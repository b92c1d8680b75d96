"""What features contribute to the scores of a model: coalitions, their values, and the rows compared with."""
