"""The contenders, one a file behind one small contract.

A peer is a class called ``Contender`` in a module of this folder. Its module imports nothing but
the standard library and the peer itself: it may run in an environment that has no more than that.
"""
