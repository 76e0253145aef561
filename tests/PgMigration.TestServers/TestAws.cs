using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security;
using System.Text;
using System.Web;

namespace PgMigration;

/// <summary>
/// What issues AWS credentials, on one port of 127.0.0.1: STS, single sign-on, the metadata services of instances and containers; and a bucket that
/// accepts none but what they issued, by its signature. The AWS CLI works with it through AWS_ENDPOINT_URL_STS and its like.
/// </summary>
public sealed class TestAws : IDisposable
{
    /// <summary>The account of all roles.</summary>
    public const string Account = "123456789012";

    /// <summary>What a role of STS wants to hear as external id.</summary>
    public const string ExternalId = "told-by-us";

    /// <summary>The token of an identity provider.</summary>
    public const string WebIdentity = "eyJ.web.identity";

    /// <summary>The token that the service of containers wants.</summary>
    public const string ContainerToken = "Basic container-secret";

    /// <summary>The token of a person who signed in.</summary>
    public const string SignIn = "sign-in-secret";

    private readonly ConcurrentDictionary<string, Issued> _keys = [];
    private readonly TestHttp _http;
    private int _count;

    /// <summary>Starts it.</summary>
    public TestAws() => _http = new TestHttp(AnswerAsync);

    /// <summary>Where all services listen.</summary>
    public Uri Address => _http.Address;

    /// <summary>How long issued keys live.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>What was asked, in order: <c>AssumeRole reader by base</c>, <c>list by reader</c>.</summary>
    public ConcurrentQueue<string> Log { get; } = [];

    /// <summary>The bucket's objects, by key.</summary>
    public ConcurrentDictionary<string, byte[]> Objects { get; } = [];

    /// <summary>A key that lasts until it is taken away.</summary>
    public (string Id, string Secret) AddUser(string name)
    {
        var key = Issue(name, DateTime.MaxValue, token: null);
        return (key.Id, key.Secret);
    }

    /// <summary>A temporary key.</summary>
    public (string Id, string Secret, string Token) AddSession(string name)
    {
        var key = Issue(name, DateTime.UtcNow + Lifetime, "session-" + name);
        return (key.Id, key.Secret, key.Token!);
    }

    /// <summary>From now on the keys that were issued to a name are refused, as if they had expired.</summary>
    public void Expire(string name)
    {
        foreach (var key in _keys.Values.Where(key => key.Name == name))
        {
            _keys[key.Id] = key with { Ends = DateTime.UtcNow };
        }
    }

    /// <summary>The secrets that were given out, which must be shown nowhere.</summary>
    public IEnumerable<string> Secrets => [.. _keys.Values.SelectMany(key => (string?[])[key.Secret, key.Token]).OfType<string>(), WebIdentity, ContainerToken, SignIn];

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private Issued Issue(string name, DateTime ends, string? token)
    {
        int number = Interlocked.Increment(ref _count);
        var key = new Issued(name, string.Create(CultureInfo.InvariantCulture, $"AKIA{number:D12}"), string.Create(CultureInfo.InvariantCulture, $"secret/of+{name}/{number}"),
            token is null ? null : string.Create(CultureInfo.InvariantCulture, $"{token}/{number}"), ends);
        return _keys[key.Id] = key;
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var body = new MemoryStream();
        await context.Request.InputStream.CopyToAsync(body);
        string path = context.Request.Url!.AbsolutePath;
        var answer = (context.Request.HttpMethod, path) switch
        {
            ("POST", "/") => Sts(context.Request, body.ToArray()),
            ("POST", "/token") => Json(200, $$"""{"accessToken":"{{SignIn}}","expiresIn":3600,"refreshToken":"again","tokenType":"Bearer"}""", "CreateToken"),
            ("GET", "/federation/credentials") => SignedIn(context.Request),
            ("PUT", "/latest/api/token") => context.Request.Headers["X-aws-ec2-metadata-token-ttl-seconds"] is null ? Text(400, string.Empty) : Text(200, "metadata-token"),
            ("GET", "/latest/meta-data/iam/security-credentials/") => Instance(context.Request, () => Text(200, "instance-role")),
            ("GET", "/latest/meta-data/iam/security-credentials/instance-role") => Instance(context.Request, () => Json(200, Of(Issue("instance", Ends, "i")), "metadata")),
            ("GET", "/container") => context.Request.Headers["Authorization"] == ContainerToken ? Json(200, Of(Issue("container", Ends, "c")), "container") : Text(401, "no"),
            _ => Bucket(context.Request, body.ToArray(), path),
        };
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.Type;
        context.Response.Headers["ETag"] = "\"x\"";
        context.Response.Headers["Last-Modified"] = DateTime.UtcNow.ToString("R", CultureInfo.InvariantCulture);
        if (answer.Range is { } range)
        {
            context.Response.Headers["Content-Range"] = range;
        }

        context.Response.ContentLength64 = answer.Body.Length;
        if (context.Request.HttpMethod != "HEAD")
        {
            await context.Response.OutputStream.WriteAsync(answer.Body);
        }

        context.Response.Close();
    }

    private DateTime Ends => DateTime.UtcNow + Lifetime;

    private Answer Sts(HttpListenerRequest request, byte[] body)
    {
        var form = HttpUtility.ParseQueryString(Encoding.UTF8.GetString(body));
        string action = form["Action"] ?? string.Empty;
        string role = (form["RoleArn"] ?? string.Empty).Split('/')[^1];
        if (action == "AssumeRoleWithWebIdentity")
        {
            return form["WebIdentityToken"] == WebIdentity && request.Headers["Authorization"] is null ? Role(action, role, "web identity") : Fault("InvalidIdentityToken", "The token is not ours");
        }

        var signer = Signer(request, body, out string? refusal);
        return signer is null ? Fault(refusal!, "The security token included in the request is invalid")
            : action == "GetCallerIdentity" ? Xml(200, $"<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:iam::{Account}:user/{signer.Name}</Arn><UserId>U</UserId><Account>{Account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
            : action != "AssumeRole" ? Fault("InvalidAction", action)
            : role == "closed" ? Fault("AccessDenied", $"User: {signer.Name} is not authorized to perform: sts:AssumeRole on resource: {form["RoleArn"]}")
            : role == "external" && form["ExternalId"] != ExternalId ? Fault("AccessDenied", "Wrong external id")
            : Role(action, role, signer.Name);
    }

    private Answer Role(string action, string role, string by)
    {
        Log.Enqueue($"{action} {role} by {by}");
        var key = Issue(role, Ends, "r");
        return Xml(200, $"""
            <{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId><Arn>arn:aws:sts::{Account}:assumed-role/{role}/s</Arn></AssumedRoleUser>
            <Credentials><AccessKeyId>{key.Id}</AccessKeyId><SecretAccessKey>{key.Secret}</SecretAccessKey><SessionToken>{key.Token}</SessionToken><Expiration>{key.Ends:yyyy-MM-ddTHH:mm:ssZ}</Expiration></Credentials>
            </{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>
            """);
    }

    private Answer SignedIn(HttpListenerRequest request)
    {
        if (request.Headers["x-amz-sso_bearer_token"] != SignIn)
        {
            return Json(401, """{"__type":"UnauthorizedException","message":"Session token not found or invalid"}""", "sign-in refused");
        }

        string role = request.QueryString["role_name"]!;
        var key = Issue(role, Ends, "s");
        return Json(200, string.Create(CultureInfo.InvariantCulture,
            $$$"""{"roleCredentials":{"accessKeyId":"{{{key.Id}}}","secretAccessKey":"{{{key.Secret}}}","sessionToken":"{{{key.Token}}}","expiration":{{{new DateTimeOffset(key.Ends).ToUnixTimeMilliseconds()}}}}}"""), $"GetRoleCredentials {role}");
    }

    private static Answer Instance(HttpListenerRequest request, Func<Answer> answer) => request.Headers["X-aws-ec2-metadata-token"] == "metadata-token" ? answer() : Text(401, "no token");

    private static string Of(Issued key) =>
        $$"""{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"{{key.Id}}","SecretAccessKey":"{{key.Secret}}","Token":"{{key.Token}}","Expiration":"{{key.Ends:yyyy-MM-ddTHH:mm:ssZ}}"}""";

    private Answer Bucket(HttpListenerRequest request, byte[] body, string path)
    {
        if (Signer(request, body, out string? refusal) is not { } signer)
        {
            Log.Enqueue($"refused {refusal}");
            return Xml(refusal == "ExpiredToken" ? 400 : 403, $"<Error><Code>{refusal}</Code><Message>no</Message></Error>");
        }

        string[] parts = path.TrimStart('/').Split('/', 2);
        if (parts.Length == 1 || parts[1].Length == 0)
        {
            Log.Enqueue($"list by {signer.Name}");
            string prefix = request.QueryString["prefix"] ?? string.Empty, after = request.QueryString["start-after"] ?? string.Empty;
            var found = Objects.Where(one => one.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(one.Key, after) > 0).OrderBy(one => one.Key, StringComparer.Ordinal);
            return Xml(200, $"<ListBucketResult><Name>{parts[0]}</Name><IsTruncated>false</IsTruncated>{string.Concat(found.Select(one => string.Create(CultureInfo.InvariantCulture,
                $"<Contents><Key>{SecurityElement.Escape(one.Key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"x\"</ETag><Size>{one.Value.Length}</Size></Contents>")))}</ListBucketResult>");
        }

        if (!Objects.TryGetValue(Uri.UnescapeDataString(parts[1]), out byte[]? content))
        {
            return Xml(404, "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>");
        }

        Log.Enqueue($"get by {signer.Name}");
        if (request.Headers["Range"] is not { } range || range.Split('=', '-') is not [_, var from, var to])
        {
            return new Answer(200, "application/octet-stream", content);
        }

        int start = int.Parse(from, CultureInfo.InvariantCulture), end = to.Length == 0 ? content.Length : Math.Min(content.Length, int.Parse(to, CultureInfo.InvariantCulture) + 1);
        return new Answer(206, "application/octet-stream", content[start..end], string.Create(CultureInfo.InvariantCulture, $"bytes {start}-{end - 1}/{content.Length}"));
    }

    private Issued? Signer(HttpListenerRequest request, byte[] body, out string? refusal)
    {
        refusal = null;
        if (TestAwsSignature.KeyOf(request) is not { } id || !_keys.TryGetValue(id, out var key))
        {
            refusal = "InvalidAccessKeyId";
            return null;
        }

        refusal = (request.Headers["x-amz-security-token"] ?? string.Empty) != (key.Token ?? string.Empty) ? "InvalidToken"
            : !TestAwsSignature.IsBy(key.Secret, request, body) ? "SignatureDoesNotMatch" : key.Ends <= DateTime.UtcNow ? "ExpiredToken" : null;
        return refusal is null ? key : null;
    }

    private Answer Json(int status, string text, string log)
    {
        Log.Enqueue(log);
        return new Answer(status, "application/json", Encoding.UTF8.GetBytes(text));
    }

    private static Answer Text(int status, string text) => new(status, "text/plain", Encoding.UTF8.GetBytes(text));

    private static Answer Xml(int status, string text) => new(status, "text/xml", Encoding.UTF8.GetBytes(text));

    private static Answer Fault(string code, string message) =>
        Xml(code is "AccessDenied" or "InvalidAccessKeyId" ? 403 : 400, $"<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>");

    private sealed record Answer(int Status, string Type, byte[] Body, string? Range = null);

    private sealed record Issued(string Name, string Id, string Secret, string? Token, DateTime Ends);
}
