using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PgMigration.LocalDms;

/// <summary>Answers DMS's protocol on loopback: AWS JSON 1.1 over HTTP.</summary>
/// <param name="port">The port.</param>
/// <param name="signature">Who may ask.</param>
/// <param name="faults">Faults on demand.</param>
/// <param name="operations">What can be asked.</param>
/// <param name="log">Takes what went wrong here.</param>
internal sealed class DmsService(int port, Signature signature, PlannedFaults faults, Operations operations, Action<string> log) : IDisposable
{
    private const int LargestBody = 4 * 1024 * 1024;

    private readonly HttpListener _listener = new();

    /// <summary>Begins to listen.</summary>
    /// <exception cref="HttpListenerException">The port is taken.</exception>
    public void Start()
    {
        _listener.Prefixes.Add(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
        _listener.Start();
    }

    /// <summary>Answers until it is stopped.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        await using var stop = cancel.Register(_listener.Stop);
        while (!cancel.IsCancellationRequested)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException && cancel.IsCancellationRequested)
            {
                return;
            }

            _ = Task.Run(() => AnswerAsync(context), CancellationToken.None);
        }
    }

    /// <summary>Closes the port.</summary>
    public void Dispose() => ((IDisposable)_listener).Dispose();

    private async Task AnswerAsync(HttpListenerContext context)
    {
        int status = 200;
        byte[] answer;
        try
        {
            byte[] body = await ReadAsync(context.Request);
            answer = Answer(context.Request, body);
        }
        catch (Fault fault)
        {
            status = 400;
            answer = Write(new JsonObject { ["__type"] = fault.Name, ["message"] = fault.Message });
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            log($"{context.Request.Headers["X-Amz-Target"]}: {error}");
            status = 500;
            answer = Write(new JsonObject { ["__type"] = "InternalFailure", ["message"] = $"The local DMS failed: {error.GetType().Name}. Its log has more." });
        }

        try
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = DmsJson.ContentType;
            context.Response.Headers["x-amzn-RequestId"] = Guid.NewGuid().ToString();
            context.Response.ContentLength64 = answer.Length;
            await context.Response.OutputStream.WriteAsync(answer);
            context.Response.Close();
        }
        catch (Exception error) when (error is HttpListenerException or IOException or ObjectDisposedException)
        {
            // the client has gone
        }
    }

    private byte[] Answer(HttpListenerRequest request, byte[] body)
    {
        signature.Check(request, body);
        string target = request.Headers["X-Amz-Target"] ?? string.Empty;
        if (request.HttpMethod != "POST" || !target.StartsWith(DmsJson.TargetPrefix, StringComparison.Ordinal))
        {
            throw new Fault("UnknownOperationException", $"Expected POST with the header X-Amz-Target: {DmsJson.TargetPrefix}<Operation>.");
        }

        string operation = target[DmsJson.TargetPrefix.Length..];
        faults.Take(operation);
        return Write(operations.Run(operation, body));
    }

    private static byte[] Write(object answer) => JsonSerializer.SerializeToUtf8Bytes(answer, answer.GetType(), DmsJson.Options);

    private static async Task<byte[]> ReadAsync(HttpListenerRequest request)
    {
        using var body = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        int read;
        while ((read = await request.InputStream.ReadAsync(buffer)) > 0)
        {
            body.Write(buffer, 0, read);
            if (body.Length > LargestBody)
            {
                throw new Fault("RequestEntityTooLargeException", "The request is too large.");
            }
        }

        return body.ToArray();
    }
}
