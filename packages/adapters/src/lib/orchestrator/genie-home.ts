/** Where a genie's volume is, in every container. */
export const genieHome = '/genie';
