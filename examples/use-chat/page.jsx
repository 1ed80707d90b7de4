/** A chat page with `useChat`: answers survive reloads, cut connections and restarts. */
import { useChat } from '@ai-sdk/react';
import {
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
} from 'ai';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import {
  hasArrived,
  headers,
  id,
  isWaiting,
  load,
  model,
  pause,
  server,
  stopAnswer,
} from './connection.js';

/** A tool that runs in this page. */
const tools = [
  {
    name: 'get_time_zone',
    description: 'The time zone of the user',
    input_schema: { type: 'object', properties: {} },
  },
];

const transport = new DefaultChatTransport({
  api: `${server}/api/chat`,
  headers,
  body: { model, tools },
});

function Chat({ initial }) {
  const chat = useChat({
    id,
    messages: initial,
    transport,
    sendAutomaticallyWhen: (given) =>
      lastAssistantMessageIsCompleteWithToolCalls(given) ||
      lastAssistantMessageIsCompleteWithApprovalResponses(given),
    onToolCall: ({ toolCall }) => runTool(toolCall),
    onFinish: ({ isDisconnect, messages }) => isDisconnect && void comeBack(messages),
  });

  function runTool({ toolName, toolCallId }) {
    if (toolName !== 'get_time_zone') return;
    const output = Intl.DateTimeFormat().resolvedOptions().timeZone;
    // Not awaited: the chat waits for this callback before it takes the output.
    void chat.addToolOutput({ tool: toolName, toolCallId, output });
  }

  /** Goes on where the connection was lost: nothing is asked twice, and nothing is missing. */
  async function comeBack(messages) {
    const stored = await load();
    chat.clearError();
    if (!hasArrived(messages, stored)) return pause().then(() => chat.sendMessage());
    show(stored);
    await chat.resumeStream();
    // The answer may have ended before it was found running.
    show(await load());
  }

  /** Shows what is stored, unless something was said since it was read. */
  function show(stored) {
    chat.setMessages((shown) => (hasArrived(shown, stored) ? stored : shown));
  }

  // After a reload: an answer that was running, or calls that wait for this page.
  useEffect(() => {
    const last = initial.at(-1);
    if (last?.metadata?.status === 'streaming') void comeBack(initial);
    for (const part of last?.parts.filter(isWaiting) ?? [])
      runTool({ ...part, toolName: part.type.replace('tool-', '') });
  }, []);

  const isBusy = chat.status === 'submitted' || chat.status === 'streaming';
  return (
    <>
      <ol>
        {chat.messages.map((message) => (
          <Message key={message.id} message={message} chat={chat} />
        ))}
      </ol>
      {chat.error && (
        <p role="alert">
          {chat.error.message} <button onClick={() => comeBack(chat.messages)}>Try again</button>
        </p>
      )}
      <p role="status">{chat.status}</p>
      <Composer label="Message" onSend={(text) => chat.sendMessage({ text })} />
      {isBusy && <button onClick={stopAnswer}>Stop</button>}
    </>
  );
}

function Message({ message, chat }) {
  const [isEditing, setEditing] = useState(false);
  const edit = (text) => {
    setEditing(false);
    void chat.sendMessage({ text, messageId: message.id });
  };
  const { status } = message.metadata ?? {};
  return (
    <li className={message.role}>
      {message.parts.map((part, at) => (
        <Part key={at} part={part} chat={chat} />
      ))}
      {status && status !== 'complete' && <em>{status}</em>}
      {message.role === 'user' && <button onClick={() => setEditing(true)}>Edit</button>}
      {isEditing && <Composer label="The message, edited" onSend={edit} />}
      {message.role === 'assistant' && (
        <button onClick={() => chat.regenerate({ messageId: message.id })}>Answer again</button>
      )}
    </li>
  );
}

function Part({ part, chat }) {
  if (part.type === 'text') return <p className="text">{part.text}</p>;
  if (part.type === 'reasoning') return <details>{part.text}</details>;
  if (!('toolCallId' in part)) return null;
  const answer = (approved) => chat.addToolApprovalResponse({ id: part.approval.id, approved });
  return (
    <p className="tool">
      {part.type.replace('tool-', '')}: {part.state} {JSON.stringify(part.output ?? null)}
      {part.state === 'approval-requested' && (
        <>
          <button onClick={() => answer(true)}>Allow</button>
          <button onClick={() => answer(false)}>Refuse</button>
        </>
      )}
    </p>
  );
}

function Composer({ label, onSend }) {
  const send = (event) => {
    event.preventDefault();
    const { text } = event.target.elements;
    onSend(text.value);
    text.value = '';
  };
  return (
    <form onSubmit={send}>
      <input name="text" aria-label={label} required />
      <button>Send</button>
    </form>
  );
}

createRoot(document.querySelector('#root')).render(<Chat initial={await load()} />);
