std = 'luajit'
max_line_length = 120
files['tests/lua'] = { globals = { 'describe', 'it' } }
files['stdlib/meta'] = { ignore = { '.*' } }
files['tests/golden'] = { max_line_length = false }
