using System.Net;
using System.Text.Json;

namespace PgMigration.Wal;

/// <summary>A KMS on loopback that knows how to unwrap some keys: the call Decrypt of awsJson1.1 (https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html).</summary>
internal sealed class TestKms : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, byte[]> _keys = [];
    private int _calls;

    public TestKms()
    {
        Endpoint = new Uri($"http://127.0.0.1:{TestPostgres.FreePort()}/");
        _listener.Prefixes.Add(Endpoint.AbsoluteUri);
        _listener.Start();
        _ = Task.Run(AnswerAsync);
    }

    public Uri Endpoint { get; }

    /// <summary>How many keys it was asked to unwrap.</summary>
    public int Calls => _calls;

    /// <summary>What it answers instead, as an error's code; null for keys.</summary>
    public string? Refusal { get; set; }

    /// <summary>A key, wrapped as long as KMS wraps one of 32 bytes.</summary>
    public byte[] Wrap(byte[] key)
    {
        byte[] wrapped = new byte[184];
        new Random(_keys.Count + 1).NextBytes(wrapped);
        lock (_keys)
        {
            _keys[Convert.ToBase64String(wrapped)] = key;
        }

        return wrapped;
    }

    public ArchiveAccess Access(string location = "s3://bucket/prod") =>
        new ArchiveAccess { Location = ArchiveLocation.Parse(location), Region = "eu-central-1", Encryption = EncryptionKeys.AwsKms("alias/wal", null, Endpoint, "WALG_CSE_KMS_ID") }
            .WithKeys("id", "secret");

    private async Task AnswerAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return; // the test is over
            }

            Interlocked.Increment(ref _calls);
            using var request = await JsonDocument.ParseAsync(context.Request.InputStream);
            string blob = request.RootElement.GetProperty("CiphertextBlob").GetString()!;
            bool isSigned = context.Request.Headers["X-Amz-Target"] == "TrentService.Decrypt" && context.Request.Headers["Authorization"]?.Contains("/eu-central-1/kms/", StringComparison.Ordinal) == true;
            byte[]? key;
            lock (_keys)
            {
                key = _keys.GetValueOrDefault(blob);
            }

            string? refusal = !isSigned ? "InvalidSignatureException" : Refusal ?? (key is null ? "InvalidCiphertextException" : null);
            context.Response.StatusCode = refusal is null ? 200 : 400;
            context.Response.ContentType = "application/x-amz-json-1.1";
            string answer = refusal is null
                ? $$"""{"KeyId":"arn:aws:kms:eu-central-1:1:key/x","Plaintext":"{{Convert.ToBase64String(key!)}}","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}"""
                : $$"""{"__type":"{{refusal}}","message":"no"}""";
            await using (context.Response.OutputStream)
            {
                await context.Response.OutputStream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(answer));
            }
        }
    }

    public void Dispose() => ((IDisposable)_listener).Dispose();
}
