using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PgMigration;

/// <summary>Heroku's Platform API on loopback, as far as a cutover uses it, with Heroku's habits.</summary>
/// <remarks>
/// The habits: a config var that an attachment owns cannot be set; the last attachment of an add-on cannot be removed from the app that owns
/// it; each change of config makes a release and restarts dynos; stopped dynos stay a while; lists come in pages; calls are counted.
/// Source: Heroku Dev Center, "Platform API Reference", "Config Vars", "Dynos and the Dyno Manager".
/// </remarks>
public sealed class TestHeroku : IDisposable
{
    /// <summary>The token that it takes.</summary>
    public const string Token = "HRKU-0123456789-the-secret-token";

    private readonly TestHttp _http;
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, string> _config = new(StringComparer.Ordinal);
    private readonly List<Attachment> _attachments = [];
    private readonly SortedDictionary<string, int> _formation = new(StringComparer.Ordinal) { ["web"] = 2, ["worker"] = 1, ["clock"] = 0 };
    private readonly List<Dyno> _dynos = [];
    private readonly List<(int Version, string Status)> _releases = [(1, "succeeded")];
    private int _numbers;

    /// <summary>Starts it with an app named <c>shop</c>: two web dynos, a worker, and no database.</summary>
    public TestHeroku()
    {
        Start("web", 2);
        Start("worker", 1);
        _http = new TestHttp(AnswerAsync);
    }

    /// <summary>Where it is.</summary>
    public Uri Address => _http.Address;

    /// <summary>How long a dyno lives on after it was told to stop.</summary>
    public TimeSpan StopsAfter { get; set; } = TimeSpan.FromMilliseconds(150);

    /// <summary>How many calls are left, in the header; null for no header.</summary>
    public int? Remaining { get; set; } = 4500;

    /// <summary>What happens to the next calls instead: a status each; -1 cuts the connection before anything is done.</summary>
    public ConcurrentQueue<int> Faults { get; } = new();

    /// <summary>For each method here the next call is done, and its answer lost.</summary>
    public ConcurrentDictionary<string, bool> Cut { get; } = new();

    /// <summary>What each path (method and path) is answered instead, whenever it is asked.</summary>
    public ConcurrentDictionary<string, (int Status, string Id, string Message)> Refusals { get; } = new();

    /// <summary>Every call: method and path.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>How many dynos ran when the config was changed: each was restarted by it.</summary>
    public int RestartedDynos { get; private set; }

    /// <summary>What dynos of a type that start do: <c>up</c> or <c>crashed</c>.</summary>
    public string StartedState { get; set; } = "up";

    /// <summary>The status that a new release gets.</summary>
    public string ReleaseStatus { get; set; } = "succeeded";

    /// <summary>Whether web traffic is stopped.</summary>
    public bool Maintenance { get; set; }

    /// <summary>The config vars as an app sees them, the attachments' included.</summary>
    public IReadOnlyDictionary<string, string> Config
    {
        get
        {
            lock (_lock)
            {
                var all = new SortedDictionary<string, string>(_config, StringComparer.Ordinal);
                foreach (var attachment in _attachments)
                {
                    all[attachment.Name + "_URL"] = attachment.Value;
                }

                return all;
            }
        }
    }

    /// <summary>The process types and their dynos.</summary>
    public IReadOnlyDictionary<string, int> Formation
    {
        get
        {
            lock (_lock)
            {
                return new SortedDictionary<string, int>(_formation, StringComparer.Ordinal);
            }
        }
    }

    /// <summary>The names of the attachments.</summary>
    public IReadOnlyList<string> Attachments
    {
        get
        {
            lock (_lock)
            {
                return [.. _attachments.Select(each => each.Name).Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>The number of the newest release.</summary>
    public int Version
    {
        get
        {
            lock (_lock)
            {
                return _releases[^1].Version;
            }
        }
    }

    /// <summary>Sets a config var of the app's own, as <c>heroku config:set</c> would have long ago.</summary>
    public void SetVar(string name, string value)
    {
        lock (_lock)
        {
            _config[name] = value;
        }
    }

    /// <summary>Attaches an add-on, as its making would have long ago.</summary>
    /// <param name="name">The attachment's name, such as DATABASE.</param>
    /// <param name="value">The address in its config var.</param>
    /// <param name="addon">The add-on.</param>
    /// <param name="space">Its namespace, such as <c>connection-pooling</c>; null for the default.</param>
    public void Attach(string name, string value, string addon = "postgresql-cubed-1", string? space = null)
    {
        lock (_lock)
        {
            _attachments.Add(new Attachment($"att-{++_numbers}", name, space, addon, value));
        }
    }

    /// <summary>Starts a one-off dyno, which ends only by <see cref="EndOneOff"/>.</summary>
    public void StartOneOff(string type) => Start(type, 1);

    /// <summary>Ends the dynos of a type.</summary>
    public void EndOneOff(string type)
    {
        lock (_lock)
        {
            _dynos.RemoveAll(dyno => dyno.Type == type);
        }
    }

    /// <summary>Adds a process type.</summary>
    public void AddType(string type, int quantity)
    {
        lock (_lock)
        {
            _formation[type] = quantity;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private void Start(string type, int count)
    {
        lock (_lock)
        {
            for (int i = 0; i < count; i++)
            {
                _dynos.Add(new Dyno($"{type}.{++_numbers}", type, StartedState));
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        string call = $"{context.Request.HttpMethod} {context.Request.Url!.AbsolutePath}";
        Calls.Enqueue(call);
        using var reader = new StreamReader(context.Request.InputStream);
        string text = await reader.ReadToEndAsync();
        if (Remaining is { } left)
        {
            context.Response.Headers["RateLimit-Remaining"] = left.ToString(CultureInfo.InvariantCulture);
            Remaining = Math.Max(0, left - 1);
        }

        if (context.Request.Headers["Authorization"] != $"Bearer {Token}")
        {
            await RefuseAsync(context, 401, "unauthorized", "Invalid credentials provided.");
            return;
        }

        if (Faults.TryDequeue(out int fault))
        {
            if (fault < 0)
            {
                throw new InvalidOperationException("cut off");
            }

            await RefuseAsync(context, fault, fault == 429 ? "rate_limit" : "internal_server_error", "Not now.");
            return;
        }

        (int Status, string Body) answer;
        lock (_lock)
        {
            answer = Refusals.TryGetValue(call, out var refusal) ? (refusal.Status, Error(refusal.Id, refusal.Message)) : Answer(context, call, text);
        }

        if (Cut.TryRemove(context.Request.HttpMethod, out _))
        {
            throw new InvalidOperationException("cut off after it was done");
        }

        await TestHttp.AnswerAsync(context, answer.Status, answer.Body);
    }

    private (int Status, string Body) Answer(HttpListenerContext context, string call, string text)
    {
        _dynos.RemoveAll(dyno => dyno.Gone <= DateTime.UtcNow);
        var body = text.Length == 0 ? null : JsonNode.Parse(text)!.AsObject();
        return call switch
        {
            "GET /apps/shop" => (200, App()),
            "PATCH /apps/shop" => Maintain(body!),
            "GET /apps/shop/config-vars" => (200, JsonSerializer.Serialize(Config)),
            "PATCH /apps/shop/config-vars" => SetVars(body!),
            "GET /apps/shop/formation" => (200, FormationJson()),
            "PATCH /apps/shop/formation" => Scale(body!),
            "GET /apps/shop/dynos" => Dynos(context),
            "GET /apps/shop/releases" => (206, JsonSerializer.Serialize(new[] { new { version = _releases[^1].Version, status = _releases[^1].Status } })),
            "GET /apps/shop/addon-attachments" => (200, JsonSerializer.Serialize(_attachments.Select(Json))),
            "POST /addon-attachments" => AttachOne(body!),
            _ when call.StartsWith("DELETE /addon-attachments/", StringComparison.Ordinal) => Detach(call["DELETE /addon-attachments/".Length..]),
            _ => (404, Error("not_found", "Couldn't find that app.")),
        };
    }

    private string App() => JsonSerializer.Serialize(new { name = "shop", maintenance = Maintenance });

    private (int Status, string Body) Maintain(JsonObject body)
    {
        Maintenance = body["maintenance"]!.GetValue<bool>();
        return (200, App());
    }

    private (int Status, string Body) SetVars(JsonObject body)
    {
        if (body.FirstOrDefault(pair => _attachments.Exists(each => each.Name + "_URL" == pair.Key)).Key is { } owned)
        {
            return (422, Error("invalid_params", $"Cannot overwrite attachment values {owned}."));
        }

        foreach (var (name, value) in body)
        {
            if (value is null)
            {
                _config.Remove(name);
            }
            else
            {
                _config[name] = value.GetValue<string>();
            }
        }

        Release();
        return (200, JsonSerializer.Serialize(Config));
    }

    private (int Status, string Body) Scale(JsonObject body)
    {
        foreach (var update in body["updates"]!.AsArray())
        {
            string type = update!["type"]!.GetValue<string>();
            int quantity = update["quantity"]!.GetValue<int>();
            if (!_formation.TryGetValue(type, out int before))
            {
                return (404, Error("not_found", $"Couldn't find that process type ({type})."));
            }

            _formation[type] = quantity;
            foreach (var dyno in _dynos.FindAll(each => each.Type == type && each.Gone == DateTime.MaxValue).Skip(quantity))
            {
                dyno.Gone = DateTime.UtcNow + StopsAfter;
            }

            Start(type, Math.Max(0, quantity - before));
        }

        return (200, FormationJson());
    }

    private (int Status, string Body) Dynos(HttpListenerContext context)
    {
        // one a page, to see that all pages are read
        string range = context.Request.Headers["Range"] ?? string.Empty;
        int from = range.StartsWith("page ", StringComparison.Ordinal) ? int.Parse(range[5..], CultureInfo.InvariantCulture) : 0;
        if (from + 1 < _dynos.Count)
        {
            context.Response.Headers["Next-Range"] = $"page {from + 1}";
        }

        return (from + 1 < _dynos.Count ? 206 : 200, JsonSerializer.Serialize(_dynos.Skip(from).Take(1).Select(dyno => new { name = dyno.Name, type = dyno.Type, state = dyno.State, command = "rake secret:task", created_at = DateTime.UtcNow })));
    }

    private (int Status, string Body) AttachOne(JsonObject body)
    {
        string name = body["name"]!.GetValue<string>();
        string addon = body["addon"]!.GetValue<string>();
        if (_attachments.Exists(each => each.Name == name) || _config.ContainsKey(name + "_URL"))
        {
            return (422, Error("invalid_params", $"Name {name} is already used on shop."));
        }

        string? space = body["namespace"]?.GetValue<string>();
        if (_attachments.Find(each => each.AddonId == addon && each.Namespace == space) is not { } same)
        {
            return (404, Error("not_found", "Couldn't find that add-on."));
        }

        var made = new Attachment($"att-{++_numbers}", name, space, same.Addon, same.Value);
        _attachments.Add(made);
        Release();
        return (201, JsonSerializer.Serialize(Json(made)));
    }

    private (int Status, string Body) Detach(string id)
    {
        if (_attachments.Find(each => each.Id == id) is not { } attachment)
        {
            return (404, Error("not_found", "Couldn't find that attachment."));
        }

        if (_attachments.Count(each => each.Addon == attachment.Addon) == 1)
        {
            return (422, Error("invalid_params", "Cannot destroy last attachment to billing app shop."));
        }

        _attachments.Remove(attachment);
        Release();
        return (200, JsonSerializer.Serialize(Json(attachment)));
    }

    private void Release()
    {
        RestartedDynos += _dynos.Count(dyno => dyno.Gone == DateTime.MaxValue && _formation.ContainsKey(dyno.Type));
        _releases.Add((_releases[^1].Version + 1, ReleaseStatus));
    }

    private string FormationJson() => JsonSerializer.Serialize(_formation.Select(pair => new { type = pair.Key, quantity = pair.Value }));

    private static object Json(Attachment attachment) => new
    {
        id = attachment.Id, name = attachment.Name, @namespace = attachment.Namespace,
        addon = new { id = attachment.AddonId, name = attachment.Addon, app = new { name = "shop" } },
    };

    private static Task RefuseAsync(HttpListenerContext context, int status, string id, string message) => TestHttp.AnswerAsync(context, status, Error(id, message));

    private static string Error(string id, string message) => JsonSerializer.Serialize(new { id, message });

    private sealed record Attachment(string Id, string Name, string? Namespace, string Addon, string Value)
    {
        public string AddonId => "id-of-" + Addon;
    }

    private sealed class Dyno(string name, string type, string state)
    {
        public string Name => name;

        public string Type => type;

        public string State => state;

        public DateTime Gone { get; set; } = DateTime.MaxValue;
    }
}
