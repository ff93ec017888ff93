"""What an integrator hands to a client: the prerequisites of a restore, as a document. All pure.

``facts`` is what a document is made from, ``foreseen`` the plan that a drill would follow,
``composition`` the document in one language, ``render`` and ``pdf`` its forms.
"""
