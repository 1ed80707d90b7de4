import manifest from '../../../package.json' with { type: 'json' };

/** The product's name and version, as the package has them. */
export const about = { name: manifest.name, version: manifest.version };
