import { Alert, CodeEditor } from '@grafana/ui';
import React, { useState } from 'react';

import { questionOf, QueryType } from '../questions';
import { QuestionRequest } from '../types';

interface Props {
  type: QueryType;
  request: QuestionRequest;
  onChange: (request: QuestionRequest) => void;
}

/** The request as JSON. What cannot be read is said, and not asked. */
export function RequestText({ type, request, onChange }: Props) {
  const [problem, setProblem] = useState('');
  const shown = Object.keys(request).length > 0 ? request : (questionOf(type)?.example ?? {});
  const save = (text: string) => {
    const read = parsed(text);
    if (typeof read === 'string') {
      setProblem(read);
      return;
    }
    setProblem('');
    onChange(read);
  };
  return (
    <>
      <CodeEditor
        height="120px"
        language="json"
        showLineNumbers={false}
        value={JSON.stringify(shown, null, 2)}
        onBlur={save}
        onSave={save}
      />
      {problem && <Alert severity="error" title={problem} />}
    </>
  );
}

/** A request, or what is wrong with its text. */
export function parsed(text: string): QuestionRequest | string {
  try {
    const read: unknown = JSON.parse(text);
    if (read !== null && typeof read === 'object' && !Array.isArray(read)) {
      return read as QuestionRequest;
    }
    return 'The request is an object: {"metric": "page_view"}';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
