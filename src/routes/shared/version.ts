/**
 * The product's name and version: those of the package, which as a whole would be 1 KiB of a Worker.
 * A test holds them to it.
 */
export const about = { name: 'parley', version: '0.1.0' };
