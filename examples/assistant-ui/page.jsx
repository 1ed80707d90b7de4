/** A page with assistant-ui, whose threads are kept by parley. */
import {
  AssistantRuntimeProvider,
  ComposerPrimitive,
  MessagePrimitive,
  ThreadListItemPrimitive,
  ThreadListPrimitive,
  ThreadPrimitive,
  useRemoteThreadListRuntime,
} from '@assistant-ui/react';
import { AssistantChatTransport, useChatRuntime } from '@assistant-ui/react-ai-sdk';
import { createRoot } from 'react-dom/client';
import { parleyThreads } from './threads.js';

const query = new URLSearchParams(location.search);
const server = query.get('server') ?? 'http://127.0.0.1:8787';
const user = query.get('user') ?? 'alice';
const headers = { 'X-User-Id': user };

const adapter = parleyThreads({ server, headers, user });
const transport = new AssistantChatTransport({
  api: `${server}/api/chat`,
  headers,
  body: { model: query.get('model') ?? 'offline' },
});

function App() {
  const runtime = useRemoteThreadListRuntime({
    adapter,
    runtimeHook: () => useChatRuntime({ transport }),
  });
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ThreadListPrimitive.Root>
        <ThreadListPrimitive.New>New chat</ThreadListPrimitive.New>
        <ThreadListPrimitive.Items components={{ ThreadListItem }} />
      </ThreadListPrimitive.Root>
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Messages
          components={{ UserMessage: Message, AssistantMessage: Message }}
        />
        <ComposerPrimitive.Root>
          <ComposerPrimitive.Input aria-label="Message" />
          <ComposerPrimitive.Send>Send</ComposerPrimitive.Send>
        </ComposerPrimitive.Root>
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}

function ThreadListItem() {
  return (
    <ThreadListItemPrimitive.Root className="thread">
      <ThreadListItemPrimitive.Trigger>
        <ThreadListItemPrimitive.Title fallback="New chat" />
      </ThreadListItemPrimitive.Trigger>
    </ThreadListItemPrimitive.Root>
  );
}

function Message() {
  return (
    <MessagePrimitive.Root className="message">
      <MessagePrimitive.Parts />
    </MessagePrimitive.Root>
  );
}

createRoot(document.querySelector('#root')).render(<App />);
