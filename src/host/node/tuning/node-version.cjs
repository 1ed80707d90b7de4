// Stops with one line on a Node that is too old for the program: without it the first file in
// TypeScript, or the first function that is missing, would end it with a stack.
const LEAST = [22, 19];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
  process.stderr.write(
    `parley: needs Node ${LEAST.join('.')} or newer, and this is ${process.versions.node}\n`,
  );
  process.exit(1);
}
