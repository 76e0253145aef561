using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PgMigration;

/// <summary>A web server on loopback that answers as a test says.</summary>
public sealed class TestHttp : IDisposable
{
    private readonly HttpListener _listener;

    /// <summary>Starts one.</summary>
    /// <param name="answer">Writes the answer; an InvalidOperationException of its cuts the connection in the middle of the answer.</param>
    public TestHttp(Func<HttpListenerContext, Task> answer)
    {
        (_listener, Address) = Listen();
        _ = ServeAsync(answer);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>A server that answers one text to everything, with 200; the text is asked anew each time.</summary>
    public static TestHttp Saying(Func<string> body) => new(context => AnswerAsync(context, 200, body()));

    /// <summary>Answers with a status and a body of JSON.</summary>
    public static async Task AnswerAsync(HttpListenerContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
        context.Response.Close();
    }

    /// <summary>Stops it; open connections end.</summary>
    public void Dispose() => _listener.Close();

    // A port that was free may be taken by the time it is used.
    private static (HttpListener Listener, Uri Address) Listen()
    {
        for (int tries = 0; ; tries++)
        {
            int port;
            using (var free = new TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                port = ((IPEndPoint)free.LocalEndpoint).Port;
            }

            var listener = new HttpListener();
            listener.Prefixes.Add($"http://127.0.0.1:{port}/");
            try
            {
                listener.Start();
                return (listener, new Uri($"http://127.0.0.1:{port}/"));
            }
            catch (HttpListenerException) when (tries < 20)
            {
                listener.Close();
            }
        }
    }

    private async Task ServeAsync(Func<HttpListenerContext, Task> answer)
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                _ = Task.Run(() => AnswerOneAsync(context, answer));
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private static async Task AnswerOneAsync(HttpListenerContext context, Func<HttpListenerContext, Task> answer)
    {
        try
        {
            await answer(context);
        }
        catch (InvalidOperationException)
        {
            Cut(context.Response); // the test wants no answer
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
        {
            // the client went away
        }
    }

    // To abort alone would send an empty answer that looks whole.
    private static void Cut(HttpListenerResponse response)
    {
        try
        {
            response.ContentLength64 = 1000;
            response.OutputStream.WriteByte((byte)' ');
            response.OutputStream.Flush();
            response.Abort();
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // it is cut already
        }
    }
}
