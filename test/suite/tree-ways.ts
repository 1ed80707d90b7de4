/** The ways in which clients of every API grow a conversation's tree. */
import type { Call } from '../support/doors/door.ts';
import type { Node, TreeModel } from './tree-model.ts';

/** A conversation whose tree grows. */
export interface Growing {
  id: string;
  user: string;
  model: string;
  tree: TreeModel;
}

/** Returns the call; undefined where the clients of this API cannot ask for it. */
export type Way<Asked> = (growing: Growing, asked: Asked) => Call | undefined;

export interface Saying {
  text: string;
  /** The answer that it follows; undefined for a new beginning. */
  after?: Node | undefined;
}

const uiMessage = ({ id, role, content }: Pick<Node, 'id' | 'role' | 'content'>) => ({
  id,
  role,
  parts: [{ type: 'text', text: content }],
});

function uiChat({ id, user, model }: Growing, messages: Pick<Node, 'id' | 'role' | 'content'>[]) {
  const body = { id, user_id: user, model, messages: messages.map(uiMessage) };
  return { path: '/api/chat', body: { ...body, trigger: 'submit-message' } };
}

/** Only what is on the active path can be told by its words. */
const isOnPath = ({ tree }: Growing, node: Node) => tree.path().includes(node);

const history = ({ tree }: Growing, to: Node | undefined, text: string) => [
  ...tree.path(to?.id ?? '').map(({ role, content }) => ({ role, content })),
  { role: 'user', content: text },
];

const named =
  (path: string, field: string) =>
  ({ id, model }: Growing, { text, after }: Saying): Call => ({
    path: path.replace('{id}', id),
    body: { [field]: text, model, parent_message_id: after?.id ?? null },
  });

export const SAY: Record<string, Way<Saying>> = {
  'POST /conversations/{id}/messages': named('/conversations/{id}/messages', 'message'),
  'POST /conversations/{id}/message': named('/conversations/{id}/message', 'message'),
  'POST /chat/conversations/{id}/messages': named('/chat/conversations/{id}/messages', 'content'),
  'POST /chat': (growing, saying) => {
    const { path, body } = named('/chat', 'message')(growing, saying);
    return { path, body: { ...body, chat_id: growing.id, user_id: growing.user } };
  },
  'a socket': ({ id, user, model }, { text, after }) => ({
    path: `/ws/${user}`,
    body: { message: text, model, conversation_id: id, parent_message_id: after?.id ?? null },
    socket: {},
  }),
  'POST /api/chat': (growing, { text, after }) =>
    uiChat(growing, [
      ...growing.tree.path(after?.id ?? ''),
      { id: text, role: 'user', content: text },
    ]),
  'POST /v1/chat/completions with an id': (growing, { text, after }) => {
    if (!after || !isOnPath(growing, after)) return undefined;
    const { id, user, model } = growing;
    const body = { model, user, messages: history(growing, after, text) };
    return { path: '/v1/chat/completions', body: { ...body, metadata: { conversation_id: id } } };
  },
  'POST /v1/messages with an id': (growing, { text, after }) => {
    if (!after || !isOnPath(growing, after)) return undefined;
    const { id, user: user_id, model } = growing;
    const body = { model, max_tokens: 1_000, metadata: { user_id } };
    const headers = { 'x-conversation-id': id };
    const messages = history(growing, after, text);
    return { path: '/v1/messages', body: { ...body, messages }, headers };
  },
  'POST /v1/responses': ({ user, model }, { text, after }) =>
    after && {
      path: '/v1/responses',
      body: { model, user, input: text, previous_response_id: `resp_${after.turnId}` },
    },
};

export const REGENERATE: Record<string, Way<Node>> = {
  'POST /messages/{id}/regenerate': ({ model }, { id }) => ({
    path: `/messages/${id}/regenerate`,
    body: { model },
  }),
  'a socket': ({ user, model }, { id }) => ({
    path: `/ws/${user}`,
    body: { type: 'regenerate', message_id: id, model },
    socket: {},
  }),
  'POST /api/chat': (growing, { id }) => {
    const { path, body } = uiChat(growing, growing.tree.path(id));
    return { path, body: { ...body, trigger: 'regenerate-message', messageId: id } };
  },
};

export const EDIT: Record<string, Way<{ text: string; node: Node }>> = {
  'POST /messages/{id}/edit': ({ model }, { text, node }) => ({
    path: `/messages/${node.id}/edit`,
    body: { message: text, model },
  }),
  'a socket': ({ user, model }, { text, node }) => ({
    path: `/ws/${user}`,
    body: { type: 'edit', message_id: node.id, message: text, model },
    socket: {},
  }),
  'POST /api/chat': (growing, { text, node }) =>
    uiChat(growing, [...growing.tree.path(node.id).slice(0, -1), { ...node, content: text }]),
};
