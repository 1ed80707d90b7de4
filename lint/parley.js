// The rules that no stock linter has: the order of imports, the homes of packages, the ban on
// interactive transactions, and the form of comments. Plain JavaScript, so that the linter can load
// it on any Node.
import { isBuiltin } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';

/** The other parts that each part of `src/` may import. A part that is missing here is reported. */
const MAY_IMPORT = layers([
  ['core'],
  ['config', 'text'],
  ['wire', 'auth', 'store', 'models'],
  ['documents', 'search'],
  ['turns'],
  ['actions'],
  ['routes'],
  ['app'],
  ['host'],
]);

/**
 * Builds the rule of layers: parts of one layer may not import each other; each may import from all
 * layers below.
 */
function layers(groups) {
  const mayImport = {};
  const below = [];
  for (const group of groups) {
    for (const part of group) mayImport[part] = [...below];
    below.push(...group);
  }
  return mayImport;
}

/** Packages that only some parts of `src/` may import, and why. */
const HOMES = [
  {
    matches: (name) => /^(drizzle-orm|@libsql)(\/|$)/.test(name),
    parts: ['store', 'host'],
    why: 'all SQL lives in src/store',
  },
  {
    matches: (name) => /^(hono|@hono)(\/|$)/.test(name),
    parts: ['routes', 'wire', 'auth', 'app', 'host'],
    why: 'the engine knows no HTTP framework',
  },
  {
    matches: (name) => /^@ai-sdk\/(google|groq|openai)(\/|$)/.test(name),
    parts: ['models'],
    why: 'a provider is chosen by the registry',
  },
  {
    matches: (name) => /^@opentelemetry(\/|$)/.test(name),
    parts: ['host'],
    why: 'it is loaded only where somebody watches',
  },
  {
    matches: (name) => isBuiltin(name) || /^(cloudflare:|ws$)/.test(name),
    parts: ['host'],
    why: 'only a host knows where it runs',
  },
];

/**
 * Returns the part of `src/` that a file belongs to (`turns`, `app`), or undefined outside of it.
 */
function partOf(path, root) {
  const [top, second] = relative(root, path).split(sep);
  return top === 'src' && second ? second.replace(/\.[cm]?[jt]s$/, '') : undefined;
}

/**
 * Returns visitors that call `visit(specifier, node)` for every way in which a module can name
 * another.
 */
function eachImport(visit) {
  const bySource = (node) => {
    if (typeof node.source?.value === 'string') visit(node.source.value, node.source);
  };
  return {
    ImportDeclaration: bySource,
    ExportNamedDeclaration: bySource,
    ExportAllDeclaration: bySource,
    ImportExpression: bySource,
    TSImportType: bySource,
  };
}

const importDirection = {
  create(context) {
    const from = partOf(context.filename, context.cwd);
    if (!from) return {};
    return eachImport((specifier, node) => {
      if (!specifier.startsWith('.')) return;
      const target = resolve(dirname(context.filename), specifier);
      const to = partOf(target, context.cwd);
      if (to === from) return;
      if (!to) {
        const inside = relative(context.cwd, target);
        if (inside.endsWith('.json')) return;
        context.report({ node, message: `src may not import ${inside}, which is outside of it.` });
      } else if (!MAY_IMPORT[from]) {
        context.report({ node, message: `src/${from} has no place in lint/parley.js yet.` });
      } else if (!MAY_IMPORT[from].includes(to)) {
        context.report({ node, message: `src/${from} may not import src/${to}.` });
      }
    });
  },
};

const packageHome = {
  create(context) {
    const from = partOf(context.filename, context.cwd);
    if (!from) return {};
    return eachImport((specifier, node) => {
      const home = HOMES.find(({ matches }) => matches(specifier));
      if (!home || home.parts.includes(from)) return;
      const places = home.parts.map((part) => `src/${part}`).join(', ');
      context.report({ node, message: `${specifier} belongs to ${places}: ${home.why}.` });
    });
  },
};

const TRANSACTION_STATEMENT =
  /^\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b(\s+(DEFERRED|IMMEDIATE|EXCLUSIVE|CONCURRENT|TRANSACTION))*\s*;?\s*$/;

/**
 * Forbids interactive transactions. One costs three requests, and a BUSY in it can leave a local
 * client stuck.
 */
const noInteractiveTransaction = {
  create(context) {
    const report = (node) =>
      context.report({ node, message: 'No interactive transactions: use one batch().' });
    return {
      MemberExpression(node) {
        const name = node.computed ? node.property.value : node.property.name;
        if (name === 'transaction') report(node.property);
      },
      Literal(node) {
        if (typeof node.value === 'string' && TRANSACTION_STATEMENT.test(node.value)) report(node);
      },
      TemplateElement(node) {
        if (TRANSACTION_STATEMENT.test(node.value.raw)) report(node);
      },
    };
  },
};

/**
 * Forbids functions that are written where they are assigned to a property. V8 treats such a
 * function as a method and allocates it in the old generation. There, however short its life, it
 * keeps everything it refers to until the next full garbage collection. A function in a variable is
 * allocated like any other object.
 */
const noFunctionAssignedToProperty = {
  create(context) {
    if (!partOf(context.filename, context.cwd)) return {};
    const isFunction = ({ type }) => /^(Arrow)?FunctionExpression$/.test(type);
    return {
      AssignmentExpression({ left, right }) {
        if (left.type !== 'MemberExpression' || !isFunction(right)) return;
        context.report({ node: right, message: 'Give it a name of its own, then assign it.' });
      },
    };
  },
};

const noImportMetaEnvironment = {
  create(context) {
    return {
      MemberExpression(node) {
        if (node.object.type !== 'MetaProperty' || node.property.name !== 'env') return;
        context.report({ node, message: 'The environment is read by a host, once.' });
      },
    };
  },
};

const LONGEST_LINE = 100;

/** Holds comments to the width of code, which the formatter leaves as they are. */
const commentWidth = {
  create(context) {
    const check = (comment) => {
      // `//` or `/*` before the text, and `*/` behind its last line.
      const indent = ' '.repeat(comment.loc.start.column + 2);
      const end = comment.type === 'Block' ? '*/' : '';
      const lines = `${indent}${comment.value}${end}`.split('\n');
      const longest = Math.max(...lines.map(({ length }) => length));
      if (longest > LONGEST_LINE)
        context.report({ node: comment, message: `A line has more than ${LONGEST_LINE} columns.` });
    };
    return { Program: () => context.sourceCode.getAllComments().forEach(check) };
  },
};

/**
 * Words that begin a clause and no sentence: "What is known of a server" says nothing by itself.
 */
const CLAUSE = /^(What|How|Who|Whose|Whether|Where|When|Why|Which|That)\b/;
/** A verb in the third person: `Returns`. */
const VERB = /^[A-Z][a-z]*s\b/;

/** Holds the beginnings of docstrings: a noun or a verb, and a verb for an exported function. */
const docstrings = {
  create(context) {
    const { sourceCode } = context;
    const isDocstring = ({ type, value }) => type === 'Block' && value.startsWith('*');
    const textOf = ({ value }) => value.replace(/^\*\s*(\*\s*)?/, '');
    const check = (comment) => {
      if (isDocstring(comment) && CLAUSE.test(textOf(comment)))
        context.report({ node: comment, message: 'A docstring begins with a noun or a verb.' });
    };
    return {
      Program: () => sourceCode.getAllComments().forEach(check),
      ExportNamedDeclaration(node) {
        if (node.declaration?.type !== 'FunctionDeclaration') return;
        const comment = sourceCode.getCommentsBefore(node).findLast(isDocstring);
        if (!comment || VERB.test(textOf(comment)) || textOf(comment).startsWith('@')) return;
        context.report({ node: comment, message: 'That of a function begins with a verb.' });
      },
    };
  },
};

/** Members of `expect` that wait, count or keep something for one test. */
const FOR_ONE_TEST =
  /^(poll|soft|assertions|hasAssertions|resolves|rejects|to\w*Match\w*Snapshot)$/;

/**
 * Forbids these members of vitest's shared `expect` where tests run at once. It takes the test that
 * began last for its own, or none at all once any test has ended. The `expect` of a test's own
 * context knows better. A file without tests may be used by some that run at once.
 */
const expectOfOneTest = {
  create(context) {
    const shared = [];
    let runsAtOnce = !/\.test\.[jt]s$/.test(context.filename);
    return {
      MemberExpression(node) {
        if (node.property.name === 'concurrent') runsAtOnce = true;
        if (!FOR_ONE_TEST.test(node.property.name)) return;
        if (rootOf(node).name === 'expect' && !isParameter('expect', node)) shared.push(node);
      },
      Property(node) {
        if (node.key.name === 'concurrent') runsAtOnce = true;
      },
      'Program:exit'() {
        if (!runsAtOnce) return;
        const message = 'Tests run at once here: take `expect` from the context of the test.';
        for (const { property } of shared) context.report({ node: property, message });
      },
    };
  },
};

/** Returns where a chain of members and calls begins: `expect` of `expect(a).not.toBe`. */
function rootOf(node) {
  const before = node.object ?? node.callee;
  return before ? rootOf(before) : node;
}

/** Tells whether a function around the node has a parameter of this name, destructured or not. */
function isParameter(name, node) {
  if (!node) return false;
  const names = (node.params ?? []).flatMap((param) => param.properties ?? [param]);
  return names.some((each) => (each.value ?? each).name === name) || isParameter(name, node.parent);
}

export default {
  meta: { name: 'parley' },
  rules: {
    'import-direction': importDirection,
    'package-home': packageHome,
    'no-interactive-transaction': noInteractiveTransaction,
    'no-function-assigned-to-property': noFunctionAssignedToProperty,
    'no-import-meta-environment': noImportMetaEnvironment,
    'expect-of-one-test': expectOfOneTest,
    'comment-width': commentWidth,
    docstrings,
  },
};
