import { DataSourcePlugin } from '@grafana/data';

import { ConfigEditor } from './components/ConfigEditor';
import { QueryEditor } from './components/QueryEditor';
import { SeamarkDatasource } from './datasource';
import { SeamarkOptions, SeamarkQuery } from './types';

export const plugin = new DataSourcePlugin<SeamarkDatasource, SeamarkQuery, SeamarkOptions>(SeamarkDatasource)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor);
