/** Marks the connections that the filter itself opens. Not exported from the package, so nobody else can show it. */
export const egressPass: unique symbol = Symbol('egress pass');
