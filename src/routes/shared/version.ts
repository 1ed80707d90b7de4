/** The product's name and version, from its package.json. */
export const about = { name: 'parley', version: '0.1.0' };
