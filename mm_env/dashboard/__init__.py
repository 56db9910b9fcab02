"""The dashboard: a Streamlit app that plays the market live, and opens runs, comparisons and trainings.

Needs the extra `dashboard`. Modules without Streamlit can be tested without a browser.

module          | what                                                                  | Streamlit
--------------- | --------------------------------------------------------------------- | ---------
live            | one market played step by step: tables, books, router                  | no
form            | a field for every parameter, from the schema; changes made in a form  | no
folders         | folders below the folder of runs                                       | no
training        | learning curves from TensorBoard's event files                         | no
figures         | figures that are redrawn at each refresh                               | no
settings        | the sidebar: preset, policy, seed, the form                            | yes
shown           | messages, empty states, charts                                         | yes
page_live       | the market live                                                        | yes
page_saved      | a recorded run, its charts and downloads                               | yes
page_compare    | a comparison of agents, read or played here                            | yes
page_scenarios  | the surface of scenarios                                               | yes
page_training   | learning curves                                                        | yes
app             | the pages and the navigation                                           | yes
"""
