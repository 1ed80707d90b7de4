/** Returns the file that the command line names; options are no files. */
export function fileArgument(): string | undefined {
  return process.argv.slice(2).find((argument) => !argument.startsWith('--'));
}
