"""Typed declarations of the functions of Windows that lockdown calls, one module per DLL. Nothing is decided here.

The modules can be imported and type-checked on every platform; a DLL is loaded at the first call of one of its functions.
"""
