-- For wrk: asks for the paths of a file in turns, with the headers of wrk's arguments, and ends with one line of JSON.
local requests = {}
local position = 0

function init(args)
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format('GET', path)
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %.6f, "failed": %d}\n', summary.requests,
    summary.duration / 1e6, errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
