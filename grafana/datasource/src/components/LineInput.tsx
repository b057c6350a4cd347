import { Input } from '@grafana/ui';
import React from 'react';

interface Props {
  id?: string;
  label?: string;
  value: string;
  placeholder?: string;
  width?: number;
  type?: 'text' | 'number';
  onCommit: (text: string) => void;
}

/** A line of text that counts when it is left or Enter is pressed, and only if it has changed. */
export function LineInput({ id, label, value, placeholder, width = 24, type = 'text', onCommit }: Props) {
  const commit = (text: string) => {
    if (text !== value) {
      onCommit(text);
    }
  };
  return (
    <Input
      // what was changed elsewhere is shown
      key={value}
      id={id}
      aria-label={label}
      type={type}
      width={width}
      placeholder={placeholder}
      defaultValue={value}
      onBlur={(event) => commit(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          commit(event.currentTarget.value);
        }
      }}
    />
  );
}
