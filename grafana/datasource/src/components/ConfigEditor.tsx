import { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { InlineField, Input, SecretInput } from '@grafana/ui';
import React, { ChangeEvent } from 'react';

import { SeamarkOptions, SeamarkSecrets } from '../types';

type Props = DataSourcePluginOptionsEditorProps<SeamarkOptions, SeamarkSecrets>;

/** Where the API is, and the query token, which alone decides what is seen. */
export function ConfigEditor({ options, onOptionsChange }: Props) {
  const setUrl = (event: ChangeEvent<HTMLInputElement>) => onOptionsChange({ ...options, url: event.target.value });
  const setToken = (token: string) =>
    onOptionsChange({
      ...options,
      secureJsonData: { ...options.secureJsonData, token },
      secureJsonFields: { ...options.secureJsonFields, token: false }, // what is stored is replaced
    });
  return (
    <>
      <InlineField label="URL" labelWidth={14} tooltip="Address of Seamark's API, as Grafana's server reaches it">
        <Input id="seamark-url" width={50} value={options.url} placeholder="http://127.0.0.1:4320" onChange={setUrl} />
      </InlineField>
      <InlineField
        label="Query token"
        labelWidth={14}
        tooltip="smq_… : it decides which org or app is seen; stored encrypted"
      >
        <SecretInput
          id="seamark-token"
          width={50}
          placeholder="smq_…"
          isConfigured={Boolean(options.secureJsonFields?.token)}
          value={options.secureJsonData?.token ?? ''}
          onReset={() => setToken('')}
          onChange={(event: ChangeEvent<HTMLInputElement>) => setToken(event.target.value)}
        />
      </InlineField>
    </>
  );
}
