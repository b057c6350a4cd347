import { DataSourceSettings } from '@grafana/data';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';

import type { SeamarkDatasource } from '../datasource';
import { SeamarkOptions, SeamarkQuery, SeamarkSecrets, VariableQuery } from '../types';
import { ConfigEditor } from './ConfigEditor';
import { QueryEditor } from './QueryEditor';
import { parsed } from './RequestText';
import { VariableEditor } from './VariableEditor';

// Monaco needs a browser; a plain text field keeps its promise: what is in it when it is left counts.
jest.mock('@grafana/ui', () => ({
  ...jest.requireActual('@grafana/ui'),
  CodeEditor: ({ value, onBlur }: { value: string; onBlur: (text: string) => void }) => (
    <textarea aria-label="request" defaultValue={value} onBlur={(event) => onBlur(event.target.value)} />
  ),
}));

const source = {
  metricNames: async () => [{ name: 'page_view' }, { name: 'purchase' }],
  labelNames: async () => [{ name: 'country' }],
  labelValues: async () => [{ value: 'DE', count: 1 }],
} as unknown as SeamarkDatasource;

/** An editor whose changes are kept, as Grafana keeps them; `saved` is the last. */
function edit(first: SeamarkQuery) {
  const kept = { saved: first, runs: 0 };
  function Held() {
    const [query, setQuery] = useState(first);
    kept.saved = query;
    return <QueryEditor datasource={source} query={query} onChange={setQuery} onRunQuery={() => (kept.runs += 1)} />;
  }
  render(<Held />);
  return kept;
}

const byId = (id: string) => document.getElementById(id) as HTMLInputElement;

describe('QueryEditor', () => {
  const written: SeamarkQuery = {
    refId: 'A',
    queryType: 'timeseries',
    request: { metric: 'page_view', agg: ['p(99.9)'], own: { kept: true }, cache: false },
  };

  it('changes only its field, and keeps what it does not know', async () => {
    const kept = edit(written);
    await userEvent.type(byId('seamark-limit-A'), '7{Enter}');
    expect(kept.saved).toEqual({ ...written, request: { ...written.request, limit: 7 } });
    expect(kept.runs).toBe(1);
    await userEvent.clear(byId('seamark-limit-A'));
    await userEvent.tab();
    expect(kept.saved).toEqual(written);
  });

  it('asks nothing when a field is left as it was', async () => {
    const kept = edit(written);
    await userEvent.click(byId('seamark-app-A'));
    await userEvent.tab();
    expect(kept.runs).toBe(0);
  });

  it('shows the request as text and takes it back, both ways without loss', async () => {
    const kept = edit(written);
    await userEvent.click(screen.getByLabelText('As text'));
    const text = screen.getByLabelText<HTMLTextAreaElement>('request');
    expect(JSON.parse(text.value)).toEqual(written.request);
    await userEvent.clear(text);
    await userEvent.type(text, '{{"metric": "a", "limit": 3, "own": 1}');
    await userEvent.tab();
    await userEvent.click(screen.getByLabelText('As text'));
    expect(kept.saved.request).toEqual({ metric: 'a', limit: 3, own: 1 });
    expect(byId('seamark-limit-A').value).toBe('3');
  });

  it('says what is wrong with a text, and keeps the last good request', async () => {
    const kept = edit({ ...written, asText: true });
    const text = screen.getByLabelText('request');
    await userEvent.clear(text);
    await userEvent.type(text, '[[]');
    await userEvent.tab();
    expect(screen.getByText(/request is an object/)).toBeInTheDocument();
    expect(kept.saved.request).toEqual(written.request);
  });

  it('leaves alone what was written by hand and has no field', async () => {
    const steps = ['a', { name: 'b', filters: [{ key: 'page', value: '/' }] }];
    const kept = edit({ refId: 'A', queryType: 'funnel', request: { steps } });
    expect(byId('seamark-steps-A')).toBeDisabled();
    await userEvent.type(byId('seamark-windowSec-A'), '60{Enter}');
    expect(kept.saved.request).toEqual({ steps, windowSec: 60 });
  });

  it('adds and removes a filter', async () => {
    const kept = edit(written);
    await userEvent.click(screen.getByText('Filter'));
    expect(kept.saved.request?.filters).toEqual([{ key: '', op: '=', value: '' }]);
    await userEvent.click(screen.getByLabelText('remove filter'));
    expect(kept.saved.request).toEqual({ ...written.request, filters: [] });
  });

  it('reads steps from one line', async () => {
    const kept = edit({ refId: 'A', queryType: 'funnel', request: {} });
    await userEvent.type(byId('seamark-steps-A'), 'page_view, purchase{Enter}');
    expect(kept.saved.request).toEqual({ steps: ['page_view', 'purchase'] });
  });
});

describe('parsed', () => {
  it('takes an object and says what is wrong with the rest', () => {
    expect(parsed('{"metric": "a"}')).toEqual({ metric: 'a' });
    expect(parsed('[1]')).toContain('object');
    expect(parsed('{')).toMatch(/JSON|position|property/i);
  });
});

describe('ConfigEditor', () => {
  const options = {
    url: 'http://seamark:4320',
    jsonData: {},
    secureJsonFields: { token: true, other: true },
  } as unknown as DataSourceSettings<SeamarkOptions, SeamarkSecrets>;

  it('keeps a stored token when the URL changes, and never shows it', async () => {
    const changed = jest.fn();
    render(<ConfigEditor options={options} onOptionsChange={changed} />);
    expect(byId('seamark-token')).toBeDisabled();
    expect(byId('seamark-token').value).not.toContain('smq_');
    await userEvent.type(byId('seamark-url'), '/');
    const saved = changed.mock.calls[0][0];
    expect(saved).toEqual({ ...options, url: 'http://seamark:4320/' });
    expect(saved.secureJsonData?.token).toBeUndefined(); // nothing overwrites what is stored
  });

  it('asks for a new token after a reset, and leaves other secrets alone', async () => {
    const changed = jest.fn();
    render(<ConfigEditor options={options} onOptionsChange={changed} />);
    await userEvent.click(screen.getByText('Reset'));
    expect(changed.mock.calls[0][0].secureJsonFields).toEqual({ token: false, other: true });
  });
});

describe('VariableEditor', () => {
  it('changes only its field', async () => {
    const query: VariableQuery = { refId: 'variable', kind: 'values', label: 'country' };
    const changed = jest.fn();
    const ignored = () => undefined;
    render(<VariableEditor datasource={source} query={query} onChange={changed} onRunQuery={ignored} />);
    await userEvent.type(byId('seamark-variable-metric'), 'page_view{Enter}');
    expect(changed).toHaveBeenLastCalledWith({ ...query, metric: 'page_view' });
  });
});
